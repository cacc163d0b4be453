"""Places that a recipe names: beside it, elsewhere on this machine, on the hub, behind a URL."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ftrecipe.components.model import looks_like_hub_id
from ftrecipe.paths import typed
from ftrecipe.sealing import texts

KEYS = (
    "path", "validation_path", "test_path", "questions", "from_run", "chat_template", "runs_dir",
    "tracking_uri",
)  # fmt: skip
_ABSOLUTE = re.compile(r"[/\\~]|[A-Za-z]:[\\/]|file:")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def named(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every place in nested values: its dotted key, and the place."""
    for key, value in texts(values, ""):
        if key.rpartition(".")[2] in KEYS and "{" not in value and "\n" not in value and value:
            yield key, value


def is_url(place: str) -> bool:
    """Tell an address of another machine."""
    return _URL.match(place) is not None and not place.startswith("file:")


def is_outside(place: str) -> bool:
    """Tell a place that only its author's machine has, or that climbs out of the folder."""
    if is_url(place):
        return place.startswith("sqlite:")
    return _ABSOLUTE.match(place) is not None or ".." in PurePosixPath(place).parts


def is_missing(key: str, place: str) -> bool:
    """Tell a file or folder of this machine that is not here."""
    if is_url(place) or place.startswith("builtin:") or key.endswith(("runs_dir", "uri")):
        return False
    if key.endswith("chat_template") and "." not in place and "/" not in place:
        return False
    if typed(place).exists():
        return False
    return Path(place).is_absolute() or not looks_like_hub_id(place) or bool(Path(place).suffix)
