"""How a run's exports are used: one command each, of those that have one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftrecipe.components.export import Asking, Export
from ftrecipe.components.export.others import verdict
from ftrecipe.config import from_plain
from ftrecipe.errors import ConfigError


def commands(folder: Path, boundary: Mapping[str, Any]) -> dict[str, str]:
    """Return by the name of each export that is there the command that begins to use it.

    boundary: the run's run.json. A run of options that are not installed here has none.
    """
    try:
        exports = from_plain(boundary["config"]).export
    except ConfigError:
        return {}
    found = {}
    for name, target in exports.items():
        there = folder / "export" / name
        if there.is_dir() and verdict(there) != "failed":
            found |= _first(name, target, Asking(there, str(there), boundary["name"]))
    return found


def _first(name: str, target: Export, asking: Asking) -> dict[str, str]:
    shell = [use.code.splitlines()[0] for use in target.usage(asking) if use.language == "sh"]
    return {name: shell[0]} if shell else {}
