"""The types of numbers that a GGUF file may hold: their names, sizes and where they come from."""

from dataclasses import dataclass

from ftrecipe.errors import KNOWN, did_you_mean, listed


@dataclass(frozen=True)
class Kind:
    """One type of file.

    code: llama.cpp's number for it, `general.file_type`. bits: of one weight, scales included.
    direct: written from the weights themselves; else from a file of the type `SOURCE`. widened: the
    gate computes with a copy of it in `WIDENED` bits.
    """

    code: int
    bits: float
    direct: bool = True
    widened: bool = False


KINDS = {
    "f16": Kind(1, 16),
    "bf16": Kind(32, 16, widened=True),
    "q8_0": Kind(7, 8.5),
    "q6_k": Kind(18, 6.6, direct=False),
    "q5_k_m": Kind(17, 5.7, direct=False),
    "q5_k_s": Kind(16, 5.5, direct=False),
    "q4_k_m": Kind(15, 4.9, direct=False),
    "q4_k_s": Kind(14, 4.6, direct=False),
    "q3_k_m": Kind(12, 3.9, direct=False),
}
"""K-quants keep some tensors finer, so their bits are those of a whole file of a usual model."""

WIDENED = 32.0

SOURCE = "f16"
"""What K-quants are made from: its rounding is a hundredth of theirs, on half the disk of f32."""


def faults(types: list[str]) -> list[str]:
    """Say which names are no types, or are there twice."""
    known = list(KINDS)
    unknown = [name for name in dict.fromkeys(types) if name not in KINDS]
    twice = [name for name in dict.fromkeys(types) if types.count(name) > 1]
    return [
        *([] if types else [f"is empty; take one or more{KNOWN}{listed(known)})"]),
        *(
            f"has no type {name!r}{did_you_mean(name.lower(), known)}{KNOWN}{listed(known)})"
            for name in unknown
        ),
        *(f"names {name} twice; once is enough" for name in twice),
    ]
