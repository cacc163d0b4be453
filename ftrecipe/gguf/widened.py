"""A GGUF file again with all its numbers in 32 bits: nothing is rounded, only computed finer."""

from pathlib import Path
from typing import IO

import numpy as np
from gguf import (
    GGUF_DEFAULT_ALIGNMENT,
    GGMLQuantizationType,
    GGUFReader,
    GGUFValueType,
    GGUFWriter,
    LlamaFileType,
    ReaderTensor,
)
from gguf.quants import dequantize

FILE_TYPE, ARCHITECTURE = "general.file_type", "general.architecture"
OWN = ("general.alignment", ARCHITECTURE, FILE_TYPE)  # that the writer says, beside GGUF.…
AT_ONCE = 2**22  # numbers that are converted at a time: 16 MB of them


def widen(source: Path, target: Path) -> None:
    """Write the file `source` with float32 tensors to `target`, a few rows at a time."""
    reader = GGUFReader(source)
    _head(reader, target)
    with target.open("ab") as stream:
        for tensor in reader.tensors:
            _align(stream)
            _put(stream, tensor)
        _align(stream)


def _head(reader: GGUFReader, target: Path) -> None:
    """Write what comes before the numbers."""
    writer = GGUFWriter(target, str(reader.fields[ARCHITECTURE].contents()))
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in OWN:
            continue
        if field.types[0] == GGUFValueType.ARRAY:
            writer.add_array(name, field.contents())
        else:
            writer.add_key_value(name, field.contents(), field.types[0])
    writer.add_file_type(LlamaFileType.ALL_F32)
    kind = GGMLQuantizationType.F32
    for tensor in reader.tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        size = int(tensor.n_elements) * np.dtype(np.float32).itemsize
        writer.add_tensor_info(tensor.name, shape, np.dtype(np.float32), size, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()


def _put(stream: IO[bytes], tensor: ReaderTensor) -> None:
    """Write a tensor's numbers."""
    rows = tensor.data.reshape(-1, tensor.data.shape[-1])
    step = max(1, AT_ONCE // int(tensor.shape[0]))
    for first in range(0, len(rows), step):
        wide = dequantize(rows[first : first + step], tensor.tensor_type)
        stream.write(wide.astype(np.float32, copy=False).tobytes())


def _align(stream: IO[bytes]) -> None:
    """Fill up to where a tensor may begin."""
    stream.write(bytes(-stream.tell() % GGUF_DEFAULT_ALIGNMENT))
