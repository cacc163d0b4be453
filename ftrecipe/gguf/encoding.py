"""Numbers as a GGUF file holds them: 32-bit rows in, bytes out."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import quantize
from numpy.typing import NDArray

Rows = NDArray[np.float32]

LARGEST_F16 = 65504.0
BLOCK = 32  # numbers that share a scale in q8_0


def f32(rows: Rows) -> Rows:
    """Return them as they are."""
    return rows


def f16(rows: Rows) -> NDArray[np.float16]:
    """Round to half precision."""
    return rows.astype(np.float16)


def bf16(rows: Rows) -> NDArray[np.uint16]:
    """Cut to the upper half, rounded to even; the library's own takes 64-bit numbers on the way."""
    bits = rows.view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return ((bits + (odd + np.uint32(0x7FFF))) >> np.uint32(16)).astype(np.uint16)


def q8_0(rows: Rows) -> NDArray[np.uint8]:
    """Blocks of 32 whole numbers with one scale each, bit for bit llama.cpp's."""
    return quantize(rows, GGMLQuantizationType.Q8_0)


ENCODERS: dict[str, Callable[[Rows], NDArray[Any]]] = {
    "F32": f32,
    "F16": f16,
    "BF16": bf16,
    "Q8_0": q8_0,
}
"""By the names of the library's GGMLQuantizationType."""


def encoding(kind: str, shape: tuple[int, ...]) -> str:
    """Return how a tensor of that shape is held in a file of a kind: vectors are never rounded,
    and rows that do not divide into blocks are kept in half precision."""
    if len(shape) == 1:
        return "F32"
    name = kind.upper()
    return "F16" if name == "Q8_0" and shape[-1] % BLOCK else name


def unfit(name: str, rows: Rows) -> str | None:
    """Say why numbers cannot be held in an encoding: no numbers at all, or too large ones."""
    least, most = float(rows.min()), float(rows.max())
    if not (np.isfinite(least) and np.isfinite(most)):
        return "holds infinities or what is no number (NaN): the training has diverged"
    largest = max(-least, most)
    if name == "F16" and largest > LARGEST_F16:
        return f"has numbers up to {largest:g}, and f16 ends at {LARGEST_F16:g}; take bf16 or q8_0"
    if name == "Q8_0" and largest > LARGEST_F16 * 127:
        return f"has numbers up to {largest:g}, and a scale of q8_0 ends at {LARGEST_F16:g}"
    return None
