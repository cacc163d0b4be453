"""Finds a model's JSON files without a network: in its folder, our facts, the hub's cache."""

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ftrecipe.model_folder import CONFIG
from ftrecipe.rundir import RunDir

FACTS = Path(__file__).resolve().parents[2] / "builtin" / "models.json"
Config = Mapping[str, Any]


@cache
def facts() -> dict[str, Any]:
    """Return what is known of the named models, by hub id: `parameters` and `config`."""
    return json.loads(FACTS.read_text("utf-8"))["models"]


def config_of(source: str, revision: str | None) -> Config | None:
    """Return the config.json of a folder or hub id, None where there is none on this machine.

    The facts are of the models' first revisions; another one is looked for in the hub's cache only.
    """
    if revision is None and not Path(source).is_dir() and source in facts():
        return facts()[source]["config"]
    return file_of(source, revision, CONFIG)


def file_of(source: str, revision: str | None, name: str) -> Config | None:
    """Return a JSON file of a folder or hub id, None where there is none on this machine."""
    folder = Path(source)
    return _read(folder / name) if folder.is_dir() else _cached(source, revision or "main", name)


def tuned_or_base(run: RunDir) -> dict[str, str | None] | None:
    """Return path and revision of what a run tuned: the whole model it wrote, or its base."""
    if run.model.is_dir():
        return {"path": str(run.model), "revision": None}
    base = _read(run.base)
    return None if base is None else {"path": base.get("path"), "revision": base.get("revision")}


def _read(file: Path) -> Config | None:
    """Return a JSON mapping, or None: what is wrong is told with the folder's other faults."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _cached(hub_id: str, revision: str, name: str) -> Config | None:
    """Return what huggingface_hub downloaded before: its cache is folders with plain names."""
    if ".." in revision.split("/"):
        return None
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    cached = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    repository = cached / f"models--{hub_id.replace('/', '--')}"
    try:
        commit = (repository / "refs" / revision).read_text("utf-8").strip()
    except OSError:
        commit = revision
    return _read(repository / "snapshots" / commit / name)
