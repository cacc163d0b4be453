"""Finds what a data name means: a packaged file, a file, folder or glob here, a URL or a hub id."""

import glob
import os
import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ftrecipe.data.files import ending
from ftrecipe.data.files.archives import PACKED
from ftrecipe.data.files.urls import Url, is_url
from ftrecipe.errors import DataError
from ftrecipe.paths import typed

BUILTIN = Path(__file__).resolve().parents[2] / "builtin"

# Names that end so are files: a hub id would hardly.
_LOCAL = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow", ".txt", ".zip")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FILE_URL = "file://"
_NEAR = 0.8  # how much of a name has to be the same


@dataclass(frozen=True)
class HubId:
    """The name of a data set on the Hugging Face hub."""

    name: str


def locate(name: str) -> Path | Url | HubId:
    """Return what `name` means: files here, a URL or a hub id. Raises DataError if none of them.

    A URL is not asked for: only whether something here can open its kind.
    """
    if name.startswith("builtin:"):
        path = packaged_file(name)
        return path if path.exists() else _refuse(name, path)
    if is_url(name) and not name.startswith(_FILE_URL):
        url = Url(name)
        url.check()
        return url
    path = typed(name.removeprefix(_FILE_URL))
    if path.exists():
        return path
    if glob.has_magic(name):
        return path if next(glob.iglob(str(path), recursive=True), None) else _no_match(name)
    local = ending(path.name) in _LOCAL or path.suffix in PACKED or path.parent.is_dir()
    return HubId(name) if _HUB_ID.fullmatch(name) and not local else _refuse(name, path)


def packaged_file(name: str) -> Path:
    """Return what `builtin:<name>` means. Raises DataError for a name that climbs out."""
    path = Path(os.path.normpath(BUILTIN / name.removeprefix("builtin:")))
    if not path.is_relative_to(BUILTIN):
        raise DataError(f"{name} is not among the packaged files")
    return path


def _no_match(name: str) -> Path:
    raise DataError(f"{name} matches no file")


def _refuse(name: str, path: Path) -> Path:
    """Raise the error for a missing file, naming the nearest one that exists."""
    folder = path.parent
    if not folder.is_dir():
        raise DataError(f"{name} does not exist: there is no folder {folder}")
    near = get_close_matches(path.name, [one.name for one in folder.iterdir()], 1, _NEAR)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise DataError(f"{name} does not exist{hint}")
