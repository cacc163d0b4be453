"""A GGUF file again with all its numbers in 32 bits: nothing is rounded, only computed finer."""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.quants import dequantize

FILE_TYPE = "general.file_type"
OWN = ("GGUF.version", "GGUF.tensor_count", "GGUF.kv_count", "general.architecture", FILE_TYPE)


def widen(source: Path, target: Path) -> None:
    """Write the file `source` with float32 tensors to `target`, a tensor at a time."""
    reader = GGUFReader(source)
    writer = GGUFWriter(target, str(reader.fields["general.architecture"].contents()))
    for name, field in reader.fields.items():
        if name in OWN:
            continue
        if field.types[0] == GGUFValueType.ARRAY:
            writer.add_array(name, field.contents())
        else:
            writer.add_key_value(name, field.contents(), field.types[0])
    writer.add_file_type(LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        size = int(tensor.n_elements) * np.dtype(np.float32).itemsize
        kind = GGMLQuantizationType.F32
        writer.add_tensor_info(tensor.name, shape, np.dtype(np.float32), size, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in reader.tensors:
        writer.write_tensor_data(dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.close()
