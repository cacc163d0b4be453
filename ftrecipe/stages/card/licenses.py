"""Under which license a model or data set is, where a file on this machine says so."""

import json
from pathlib import Path
from typing import Any

import yaml

from ftrecipe.data.files.locate import BUILTIN, HubId, locate
from ftrecipe.errors import DataError
from ftrecipe.paths import typed

License = dict[str, str]
"""The keys of a card's front matter: `license`, and `license_name` and `license_link` of others."""

OWN: License = {"license": "apache-2.0"}  # of what ships with ftrecipe
UNKNOWN: License = {"license": "unknown"}
KEYS = ("license", "license_name", "license_link")


def of_model(path: str, revision: str | None) -> License | None:
    """Return a model's license: what its own card says, or what is known of it; None for neither.

    A hub id is looked for in the hub's cache; nothing is downloaded.
    """
    if path.startswith("builtin:"):
        return OWN
    if typed(path).is_dir():
        return _of_card(typed(path) / "README.md")
    known = json.loads((BUILTIN / "licenses.json").read_text("utf-8"))["models"]
    found = _of_card(_cached(path, "model", revision))
    return found or ({"license": known[path]} if path in known else None)


def of_data(path: str, revision: str | None) -> License | None:
    """Return the license of a folder or hub id of data, by its card; None where there is none."""
    if path.startswith("builtin:"):
        return OWN
    try:
        found = locate(path)
    except DataError:  # it is no longer where it was
        return None
    if isinstance(found, HubId):
        return _of_card(_cached(found.name, "dataset", revision))
    return _of_card(found / "README.md") if isinstance(found, Path) else None


def _cached(name: str, kind: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "README.md", repo_type=kind, revision=revision)
    except HFValidationError:  # a name that no hub has
        return None
    return Path(found) if isinstance(found, str) else None


def _of_card(file: Path | None) -> License | None:
    """Return what the front matter of a card says of the license."""
    front = front_matter(file) if file is not None and file.is_file() else {}
    said = {key: front[key] for key in KEYS if isinstance(front.get(key), str) and front[key]}
    return said if "license" in said else None


def front_matter(file: Path) -> dict[str, Any]:
    """Return the YAML at the beginning of a Markdown file; nothing where there is none."""
    text = file.read_text("utf-8", errors="replace").removeprefix("\ufeff")
    _, mark, rest = text.partition("---\n")
    front, end, _ = rest.partition("\n---")
    if not mark or not end or not text.startswith("---"):
        return {}
    try:
        found = yaml.safe_load(front)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}
