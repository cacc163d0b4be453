"""Writes GGUF files: a model's weights are read once, a few rows at a time, for all types."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from gguf import GGML_QUANT_SIZES, GGUF_DEFAULT_ALIGNMENT, GGMLQuantizationType

from ftrecipe.errors import ConfigError
from ftrecipe.gguf.encoding import ENCODERS, Rows, encoding, unfit
from ftrecipe.gguf.layout import Layout, Model
from ftrecipe.gguf.tensors import Place, interleaved

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 2**22  # numbers that are converted at a time: 16 MB of them
FREQUENCIES = "rope_freqs.weight"

Progress = Callable[[str, Sequence[Place]], Iterable[Place]]


def write(model: Model, files: Mapping[str, Path], progress: Progress) -> None:
    """Write a model once as each type of `files`, by type; progress gives what it is given.

    Raises ConfigError for a model or weights that cannot be held; what is written by then is no
    whole file.
    """
    layout = Layout(model)
    with ExitStack() as stack:
        opened = [stack.enter_context(_File(layout, *item)) for item in files.items()]
        for place in progress("tensors", layout.places):
            weight = model.stored.read(place.source).detach()
            for rows in _rows(interleaved(weight, place.heads) if place.heads else weight):
                for file in opened:
                    file.put(place, rows)
            for file in opened:
                file.align()


def _rows(weight: "Tensor") -> Iterator[Rows]:
    """Give a tensor's rows in 32 bits, a few at a time."""
    table = weight.reshape(-1, weight.shape[-1])
    step = max(1, AT_ONCE // table.shape[1])
    for first in range(0, len(table), step):
        yield table[first : first + step].float().contiguous().numpy()


class _File:
    """One file: the library writes what is before the weights, and they follow as they come."""

    def __init__(self, layout: Layout, kind: str, path: Path) -> None:
        self.kind = kind
        writer, factors = layout.writer(kind, path), layout.numbers.rotary.factors
        shapes: dict[str, tuple[int, ...]] = {FREQUENCIES: (len(factors),)} if factors else {}
        shapes |= {place.name: place.shape for place in layout.places}
        for name, shape in shapes.items():
            how = GGMLQuantizationType[encoding(kind, shape)]
            block, size = GGML_QUANT_SIZES[how]
            held = math.prod(shape) // block * size
            writer.add_tensor_info(name, shape, np.dtype(np.float32), held, raw_dtype=how)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        writer.close()
        self.stream = path.open("ab")
        self.align()
        if factors:
            self.stream.write(np.array(factors, np.float32).data)
            self.align()

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def put(self, place: Place, rows: Rows) -> None:
        """Write some rows of a tensor. Raises ConfigError for numbers that it cannot hold."""
        how = encoding(self.kind, place.shape)
        if why := unfit(how, rows):
            raise ConfigError(f"export.gguf.types: {self.kind}: {place.source} {why}")
        self.stream.write(np.ascontiguousarray(ENCODERS[how](rows)).data)

    def align(self) -> None:
        """Fill up to where the next tensor may begin."""
        self.stream.write(bytes(-self.stream.tell() % GGUF_DEFAULT_ALIGNMENT))
