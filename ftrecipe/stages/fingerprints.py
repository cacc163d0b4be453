"""Hashes of weights: of a base wherever it is, and of a folder of safetensors."""

import hashlib
from pathlib import Path
from typing import Any

from ftrecipe.errors import StageError
from ftrecipe.weights import file_hashes


def base_fingerprint(model: Any) -> str:
    """Hash of the weights that a Model component names; a hub id is known by its commit."""
    folder = folder_of(model)
    if model.is_local:
        return weights_fingerprint(folder)
    return hashlib.sha256(f"{model.source}@{folder.name}".encode()).hexdigest()


def folder_of(model: Any) -> Path:
    """Return the folder of a Model component's weights; a hub id's is that of the hub's cache."""
    if model.is_local:
        return Path(model.source)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model.source, revision=model.revision,
                                      allow_patterns=["*.safetensors", "*.json"]))  # fmt: skip
    except (OSError, ValueError) as error:
        raise StageError(f"model.path={model.path}: {first_line(error)}") from error


def weights_fingerprint(folder: Path) -> str:
    """Hash of the safetensors files in `folder`: of their names, sizes and content."""
    digest = hashlib.sha256()
    for name, known in file_hashes(folder).items():
        digest.update(f"{name} {(folder / name).stat().st_size}".encode())
        digest.update(bytes.fromhex(known))
    return digest.hexdigest()


def first_line(error: Exception) -> str:
    """Return what a library's error says first."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
