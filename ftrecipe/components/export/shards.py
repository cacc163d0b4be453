"""Writes safetensors files tensor by tensor, each of which is converted block by block."""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ftrecipe.model_folder import WEIGHTS, WEIGHTS_INDEX

if TYPE_CHECKING:
    from torch import Generator, Tensor

TYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8",
    "bool": "BOOL",
}  # fmt: skip
"""What safetensors calls the types of torch."""

SIZES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "": 1}
SEVERAL = "model-{:05d}-of-{:05d}.safetensors"
BLOCK = 1 << 22  # numbers that are converted at a time


@dataclass(frozen=True)
class Stored:
    """One tensor as it is to be written."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Its size."""
        digits = re.search(r"\d+", self.dtype)  # none of bool, which takes a byte
        return math.prod(self.shape) * (int(digits[0]) if digits else 8) // 8


def size_of(text: str) -> int | None:
    """Return the bytes that `5GB` or `500MB` means, None for something else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]i?B)?\s*", text, re.IGNORECASE)
    if found is None:
        return None
    return int(float(found[1]) * SIZES[(found[2] or "").upper()]) or None


def write_shards(
    folder: Path,
    tensors: Sequence[Stored],
    read: "Callable[[Stored], Tensor]",
    most: int,
    steps: Callable[[Sequence[Stored]], Iterator[Stored]] = iter,
    unbiased: bool = False,
) -> None:
    """Write the tensors in their order into files of at most `most` bytes; a larger one alone.

    read: gives a tensor on the CPU, of the shape that is told of it; floats may be of another type,
    and are converted. steps: goes through the tensors and shows how far it is. unbiased: see
    `converted`.
    """
    shards = _divided(tensors, most)
    files: dict[str, str] = {}
    made = map(read, steps(tensors))
    for number, shard in enumerate(shards, start=1):
        file = WEIGHTS if len(shards) == 1 else SEVERAL.format(number, len(shards))
        _write(folder / file, shard, islice(made, len(shard)), unbiased)
        files |= {each.name: file for each in shard}
    assert next(made, None) is None
    if len(shards) > 1:
        total = {
            "total_parameters": sum(math.prod(each.shape) for each in tensors),
            "total_size": sum(each.bytes for each in tensors),
        }
        text = json.dumps({"metadata": total, "weight_map": files}, indent=2, sort_keys=True)
        (folder / WEIGHTS_INDEX).write_text(text + "\n", "utf-8")


def _divided(tensors: Sequence[Stored], most: int) -> list[list[Stored]]:
    shards: list[list[Stored]] = [[]]
    filled = 0
    for each in tensors:
        if shards[-1] and filled + each.bytes > most:
            shards.append([])
            filled = 0
        shards[-1].append(each)
        filled += each.bytes
    return shards


def _write(file: Path, tensors: Sequence[Stored], read: "Iterator[Tensor]", unbiased: bool) -> None:
    """Write one file: the header's length, the header, and the tensors' bytes."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for each in tensors:
        header[each.name] = {
            "dtype": TYPES[each.dtype],
            "shape": list(each.shape),
            "data_offsets": [end, end + each.bytes],
        }
        end += each.bytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight bytes
    with file.open("wb", buffering=0) as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for each in tensors:  # of which none outlives its turn: the next one needs the room
            for block in converted(next(read), each.dtype, unbiased):
                _put(stream, block)


def _put(stream: FileIO, block: "Tensor") -> None:
    """Write all bytes of a tensor: Linux takes at most 2 GiB at once."""
    import torch

    room = memoryview(cast(Any, block.view(torch.uint8).numpy()))
    while room:
        room = room[stream.write(room) :]


def converted(tensor: "Tensor", dtype: str, unbiased: bool = False) -> "Iterator[Tensor]":
    """Yield a tensor's numbers [numbers] in the type that they are written in, block by block.

    Other numbers than floats stay. unbiased: round to bfloat16 up or down by chance, as often as
    is right on average. A tune moves most weights by less than half of bfloat16's step, so to the
    nearest it would be rounded away. The same every time.
    """
    import torch

    flat = tensor.contiguous().view(-1)
    del tensor
    if not flat.is_floating_point() or str(flat.dtype) == f"torch.{dtype}":
        yield flat
        return
    chance = torch.Generator().manual_seed(flat.numel())
    for start in range(0, flat.numel(), BLOCK):
        part = flat[start : start + BLOCK]
        if unbiased and dtype == "bfloat16":
            yield _by_chance(part, chance)
        else:
            yield part.to(getattr(torch, dtype))


def _by_chance(part: "Tensor", chance: "Generator") -> "Tensor":
    """Round to bfloat16: of the 16 bits of float32 that go, their value is the chance to go up."""
    import torch

    bits = part.float().view(torch.int32)
    up = torch.randint(0, 1 << 16, bits.shape, dtype=torch.int32, generator=chance)
    rounded = up.add_(bits).bitwise_and_(-(1 << 16)).view(torch.float32)
    return rounded.to(torch.bfloat16)
