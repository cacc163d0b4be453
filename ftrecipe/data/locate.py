"""Finds what a data name means: a packaged file, a file or folder here, or a hub id."""

import re
from dataclasses import dataclass
from pathlib import Path

from ftrecipe.data.files import PACKED, ending
from ftrecipe.errors import DataError, did_you_mean
from ftrecipe.paths import typed

BUILTIN = Path(__file__).parents[1] / "builtin"

# Names that end so are files: a hub id would hardly.
_LOCAL = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt", ".zip")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class HubId:
    """The name of a data set on the Hugging Face hub."""

    name: str


def locate(name: str) -> Path | HubId:
    """Return the file or folder that `name` means, or the hub id. Raises DataError if neither."""
    if name.startswith("builtin:"):
        path = BUILTIN / name.removeprefix("builtin:")
        return path if path.exists() else _refuse(name, path)
    path = typed(name)
    if path.exists():
        return path
    local = ending(path.name) in _LOCAL or path.suffix in PACKED or path.parent.is_dir()
    return HubId(name) if _HUB_ID.fullmatch(name) and not local else _refuse(name, path)


def _refuse(name: str, path: Path) -> Path:
    """Raise the error for a missing file, naming the nearest one that exists."""
    folder = path.parent
    if not folder.is_dir():
        raise DataError(f"{name} does not exist: there is no folder {folder}")
    hint = did_you_mean(path.name, [found.name for found in folder.iterdir()])
    raise DataError(f"{name} does not exist{hint}")
