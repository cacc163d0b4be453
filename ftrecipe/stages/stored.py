"""Where a model lies on disk, and how it is loaded from there once more: to time it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ftrecipe.stages.models import Models

PARTS = ("*.safetensors", "*.json", "*.jinja", "*.model", "*.txt")  # what loading reads


@dataclass(frozen=True)
class Stored:
    """folders: all that has to be there for `load` to give the model."""

    folders: tuple[Path, ...]
    load: Callable[[], Any]

    @property
    def bytes(self) -> int:
        """What these folders take on disk: weights, configs and tokenizers."""
        files = {file for folder in self.folders for kind in PARTS for file in folder.glob(kind)}
        return sum(file.stat().st_size for file in files)


def start_of(models: "Models") -> Stored:
    """Return the model that training starts from."""
    before = models.earlier.adapter if models.earlier else None
    folders = [models.source_folder(), *([before] if before else [])]
    return Stored(tuple(folders), models.load_start)


def tuned_of(models: "Models") -> Stored:
    """Return the trained model: whole, or as an adapter with all that it stands on."""
    if models.dir.model.is_dir():
        return Stored((models.dir.model,), models.load_tuned)
    return Stored((*start_of(models).folders, models.dir.adapter), models.load_tuned)
