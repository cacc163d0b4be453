"""Writes safetensors files tensor by tensor: no more than one of them is in memory at a time."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import Tensor

TYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8",
    "bool": "BOOL",
}  # fmt: skip
"""What safetensors calls the types of torch."""

SIZES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "": 1}
ONE, SEVERAL = "model.safetensors", "model-{:05d}-of-{:05d}.safetensors"
INDEX = "model.safetensors.index.json"


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
) -> None:
    """Write the tensors in their order into files of at most `most` bytes; a larger one alone.

    read: gives a tensor on the CPU, of the shape and type that is told of it. steps: goes through
    the tensors and shows how far it is.
    """
    shards = _divided(tensors, most)
    files: dict[str, str] = {}
    made = map(read, steps(tensors))
    for number, shard in enumerate(shards, start=1):
        file = ONE if len(shards) == 1 else SEVERAL.format(number, len(shards))
        _write(folder / file, shard, islice(made, len(shard)))
        files |= {each.name: file for each in shard}
    assert next(made, None) is None
    if len(shards) > 1:
        total = {
            "total_parameters": sum(math.prod(each.shape) for each in tensors),
            "total_size": sum(each.bytes for each in tensors),
        }
        text = json.dumps({"metadata": total, "weight_map": files}, indent=2, sort_keys=True)
        (folder / INDEX).write_text(text + "\n", "utf-8")


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


def _write(file: Path, tensors: Sequence[Stored], read: "Iterable[Tensor]") -> None:
    """Write one file: the header's length, the header, and the tensors' bytes."""
    import torch

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
        for tensor in read:
            room = memoryview(cast(Any, tensor.contiguous().view(-1).view(torch.uint8).numpy()))
            while room:  # Linux takes at most 2 GiB at once
                room = room[stream.write(room) :]


def converted(tensor: "Tensor", dtype: str, unbiased: bool = False) -> "Tensor":
    """Return a tensor in the type that it is written in; other numbers than floats stay.

    unbiased: round to bfloat16 up or down by chance, as often as is right on average. A tune moves
    most weights by less than half of bfloat16's step, so to the nearest it would be rounded away.
    The same every time.
    """
    import torch

    if not tensor.is_floating_point() or str(tensor.dtype) == f"torch.{dtype}":
        return tensor
    if unbiased and dtype == "bfloat16":
        return _by_chance(tensor)
    return tensor.to(getattr(torch, dtype))


def _by_chance(tensor: "Tensor", block: int = 1 << 22) -> "Tensor":
    """Round float32 to bfloat16: of the 16 bits that go, their value is the chance to go up."""
    import torch

    chance = torch.Generator().manual_seed(tensor.numel())
    found = torch.empty(tensor.numel(), dtype=torch.bfloat16)
    flat = tensor.contiguous().view(-1).view(torch.int32)
    for start in range(0, flat.numel(), block):
        part = flat[start : start + block]
        up = torch.randint(0, 1 << 16, part.shape, dtype=torch.int32, generator=chance)
        rounded = (part + up).bitwise_and_(-(1 << 16)).view(torch.float32)
        found[start : start + block] = rounded.to(torch.bfloat16)
    return found.view(tensor.shape)
