"""Looks at safetensors files without reading their weights: a broken one is known by its header."""

import json
import math
from pathlib import Path


def is_whole(file: Path) -> bool:
    """Tell whether a safetensors file is as long as its header says."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if 8 + length > size:
            return False
        try:
            header = json.loads(stream.read(length))
        except ValueError:
            return False
    ends = [item["data_offsets"][1] for name, item in header.items() if name != "__metadata__"]
    return 8 + length + max(ends, default=0) == size


def count_weights(folder: Path) -> int:
    """Return the number of weights in a model's folder, read from its files' headers."""
    total = 0
    for file in folder.glob("*.safetensors"):
        with file.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        shapes = [item["shape"] for name, item in header.items() if name != "__metadata__"]
        total += sum(math.prod(shape) for shape in shapes)
    return total


def folder_faults(folder: Path) -> list[str]:
    """Say what a model's folder lacks: a config, a tokenizer, or weights that are whole."""
    faults = []
    config = folder / "config.json"
    if not config.is_file():
        faults.append("has no config.json")
    else:
        try:
            if "model_type" not in json.loads(config.read_text("utf-8")):
                faults.append("has a config.json without model_type")
        except ValueError:
            faults.append("has a config.json that is not valid JSON")
    if not (folder / "tokenizer.json").is_file():
        faults.append("has no tokenizer.json")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        faults.append("has no weights (*.safetensors)")
    faults += [f"has a broken {file.name}" for file in weights if not is_whole(file)]
    return faults
