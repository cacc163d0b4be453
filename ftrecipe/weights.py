"""Looks at safetensors files without reading their weights: a broken one is known by its header."""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ftrecipe.digest import sha256_of
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.model_folder import ADAPTER_CONFIG, CONFIG, TOKENIZER, WEIGHTS, WEIGHTS_INDEX

_HEADER = 100 * 2**20  # bytes; safetensors itself reads no longer header
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")

Header = dict[str, Any]


def header_of(file: Path) -> tuple[Header, int]:
    """Return what a safetensors file says of its tensors, and where their bytes begin.

    Raises WeightsError with the reason for a file that is none.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or not 2 <= length <= _HEADER:
            raise WeightsError("is empty" if size == 0 else "is not a safetensors file")
        if 8 + length > size:
            raise WeightsError(
                f"is cut off: it has {size:,} bytes, and its header alone {length:,}"
            )
        try:
            header = json.loads(stream.read(length))
            ends = [tensor["data_offsets"][1] for tensor in tensors_of(header).values()]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            raise WeightsError("is not a safetensors file: its header cannot be read") from None
    whole = 8 + length + max(ends, default=0)
    if size < whole:
        raise WeightsError(f"is cut off: it has {size:,} of {whole:,} bytes")
    if size > whole:
        raise WeightsError(f"has {size:,} bytes, and its header speaks of {whole:,}")
    return header, 8 + length


class WeightsError(ValueError):
    """A weight file that cannot be used; the text is what is wrong with it."""


def tensors_of(header: Header) -> Header:
    """Return the part of a header that is about tensors."""
    return {name: item for name, item in header.items() if name != "__metadata__"}


def count_weights(folder: Path) -> int:
    """Return the number of weights in a model's folder, read from its files' headers."""
    total = 0
    for file in folder.glob("*.safetensors"):
        tensors = tensors_of(header_of(file)[0]).values()
        total += sum(math.prod(tensor["shape"]) for tensor in tensors)
    return total


def folder_faults(folder: Path, model_types: Collection[str] = ()) -> list[str]:
    """Say what a model's folder lacks: a config, a tokenizer, or weights that are whole.

    `model_types` are the architectures that the installed transformers knows, if that is known.
    """
    if other := _no_model(folder):
        return [other]
    faults = _config_faults(folder / CONFIG, model_types)
    faults += _tokenizer_faults(folder / TOKENIZER)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights and not any(file.suffix in _PICKLES for file in folder.iterdir()):
        faults.append("has no weights (*.safetensors)")  # pickles are told by who looks for code
    for file in weights:
        try:
            header_of(file)
        except WeightsError as error:
            faults.append(f"{file.name} {error}; copy or download it again")
        except OSError as error:
            faults.append(f"{file.name} cannot be read: {error.strerror}")
    return faults + _index_faults(folder)


def _no_model(folder: Path) -> str | None:
    """Say what a folder without a config.json holds instead of a model, where that is known."""
    if (folder / CONFIG).is_file():
        return None
    if (folder / ADAPTER_CONFIG).is_file():
        return (
            "holds an adapter, not a whole model; to go on from it, model.from_run=<its run>; "
            "else merge it first (export=merged)"
        )
    if any(folder.glob("*.gguf")):
        return (
            "holds a GGUF file, which is made for running; take the original model's folder "
            "(config.json, tokenizer.json, *.safetensors)"
        )
    return None


def _config_faults(file: Path, model_types: Collection[str]) -> list[str]:
    if not file.is_file():
        return ["has no config.json"]
    try:
        config = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        return ["has a config.json that is not valid JSON"]
    kind = config.get("model_type") if isinstance(config, dict) else None
    if not isinstance(kind, str):
        return ["has a config.json without model_type"]
    if model_types and kind not in model_types and "auto_map" not in config:
        hint = did_you_mean(kind, model_types)
        return [
            f"config.json names the model_type {kind!r}, which transformers does not know{hint}"
        ]
    return []


def _tokenizer_faults(file: Path) -> list[str]:
    """Look whether tokenizer.json is whole JSON with a model in it."""
    if not file.is_file():
        return ["has no tokenizer.json"]
    try:
        tokenizer = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        return ["tokenizer.json is not whole JSON; copy or download it again"]
    if not isinstance(tokenizer, dict) or not isinstance(tokenizer.get("model"), dict):
        return ["tokenizer.json holds no tokenizer; copy or download it again"]
    return []


def _index_faults(folder: Path) -> list[str]:
    """Look whether the files that an index of several names are there."""
    file = folder / WEIGHTS_INDEX
    if not file.is_file() or (folder / WEIGHTS).is_file():
        return []
    try:
        named = sorted(set(json.loads(file.read_text("utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [f"{WEIGHTS_INDEX} is not a list of weight files; copy or download it again"]
    missing = [str(name) for name in named if not (folder / str(name)).is_file()]
    if not missing:
        return []
    return [f"{len(missing)} of {len(named)} weight files are missing: {listed(missing, 4)}"]


def misfits(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Say which tensors of whole files have another shape than `shapes` gives by name, or lack.

    A layer that is stored the other way round, as GPT-2's are, is taken as fitting; files that name
    less than half of the tensors have other names for them, and lack none.
    """
    stored: dict[str, list[int]] = {}
    for file in folder.glob("*.safetensors"):
        tensors = tensors_of(header_of(file)[0])
        stored |= {name: tensor["shape"] for name, tensor in tensors.items() if name in shapes}
    wrong = [name for name, shape in stored.items() if sorted(shape) != sorted(shapes[name])]
    lacking = [name for name in shapes if name not in stored]
    faults = []
    if wrong:
        first = wrong[0]
        faults.append(
            f"{first} is {times(stored[first])} in the weights and {times(shapes[first])} by "
            f"config.json ({len(wrong)} such); they are of two models"
        )
    if lacking and 2 * len(stored) > len(shapes):
        faults.append(
            f"the weights lack {listed(lacking, 3)}, which config.json asks for; copy them again"
        )
    return faults


def times(shape: Iterable[int]) -> str:
    """Return a shape as people write it: `256x512`."""
    return "x".join(map(str, shape)) or "a number"


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each safetensors file of a folder, by name."""
    return sha256_of(sorted(folder.glob("*.safetensors")))
