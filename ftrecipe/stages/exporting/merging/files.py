"""The tensors of a folder, read one at a time; no file is mapped into memory."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, cast

import torch

from ftrecipe.components.export.shards import TYPES
from ftrecipe.model_folder import WEIGHTS, WEIGHTS_INDEX
from ftrecipe.weights import header_of, tensors_of


@dataclass(frozen=True)
class Place:
    """Where a tensor's bytes are."""

    file: Path
    start: int
    size: int
    dtype: str
    shape: tuple[int, ...]


class Files:
    """`Weights` as they lie in a folder of safetensors."""

    def __init__(self, folder: Path) -> None:
        self._places = {
            name: place for file in _files(folder) for name, place in _places(file).items()
        }

    @property
    def names(self) -> Sequence[str]:
        """The tensors in the order in which they are stored."""
        return list(self._places)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return self._places[name].shape

    def dtype(self, name: str) -> str:
        """Return the type that a tensor is stored in."""
        return self._places[name].dtype

    def read(self, name: str) -> torch.Tensor:
        """Return one tensor as it is stored."""
        place = self._places[name]
        tensor = torch.empty(place.shape, dtype=getattr(torch, place.dtype))
        if place.size:
            with place.file.open("rb", buffering=0) as stream:
                stream.seek(place.start)
                _fill(
                    memoryview(cast(Any, tensor.view(-1).view(torch.uint8).numpy())),
                    stream,
                    place.file,
                )
        return tensor


def _fill(room: memoryview, stream: FileIO, file: Path) -> None:
    """Read as many bytes as there is room for: Linux gives at most 2 GiB at once."""
    while room:
        count = stream.readinto(room)
        if not count:
            raise OSError(f"{file} ends before its last tensor")
        room = room[count:]


def _files(folder: Path) -> list[Path]:
    """Return the weight files that transformers would read; others may lie beside them."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / WEIGHTS_INDEX).is_file():
        named = json.loads((folder / WEIGHTS_INDEX).read_text("utf-8"))["weight_map"].values()
        return [folder / name for name in sorted(set(named))]
    return sorted(folder.glob("*.safetensors"))


def _places(file: Path) -> dict[str, Place]:
    header, begin = header_of(file)
    names = {stored: name for name, stored in TYPES.items()}
    found = sorted(tensors_of(header).items(), key=lambda item: item[1]["data_offsets"])
    return {
        name: Place(
            file,
            begin + each["data_offsets"][0],
            each["data_offsets"][1] - each["data_offsets"][0],
            names[each["dtype"]],
            tuple(each["shape"]),
        )
        for name, each in found
    }
