"""Finds the files that a lock names on this machine: where they were, else beside it; by name only.

Whether they are the same is for their hashes to say.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ftrecipe.components.model import looks_like_hub_id
from ftrecipe.data.files.locate import locate
from ftrecipe.data.tokens.templates import TEMPLATES
from ftrecipe.errors import DataError
from ftrecipe.lock import inputs
from ftrecipe.paths import typed
from ftrecipe.repeat.locked import Locked

PLACES = ("path", "validation_path", "test_path", "questions", "from_run", "chat_template")


def places(locked: Locked, given: set[str]) -> tuple[dict[str, str], list[str]]:
    """Return where named files lie here, of those that are not where they were; and the faults."""
    config = locked.lock["config"]
    named = inputs.named_data(config)
    for name in ("path", "from_run", "chat_template"):
        if config["model"].get(name):
            named[f"model.{name}"] = config["model"][name]
    found: dict[str, str] = {}
    faults: list[str] = []
    for key, place in named.items():
        if key in given or _is_here(key, place):
            continue
        candidate = next(_candidates(place, locked.roots), None)
        if candidate is None:
            faults.append(f"{key}: {place} is not on this machine; add {key}=<your copy of it>")
        else:
            found[key] = str(candidate)
    return found, faults


def _is_here(key: str, place: str) -> bool:
    if key == "model.chat_template":
        return place in TEMPLATES or "{" in place or typed(place).is_file()
    if key.startswith("model."):
        return place.startswith("builtin:") or typed(place).is_dir() or looks_like_hub_id(place)
    try:
        locate(place)
    except DataError:
        return False
    return True


def _candidates(place: str, roots: Sequence[Path]) -> Iterator[Path]:
    """Yield what lies in one of `roots` under the end of a path, the longest end first."""
    whole = Path(place.removeprefix("recipe:"))
    parts = [part for part in whole.parts if part not in ("/", "..", "~")]
    for root in roots:
        for start in range(len(parts)):
            candidate = root.joinpath(*parts[start:])
            if candidate.exists():
                yield candidate


def absolute(changes: Sequence[str]) -> list[str]:
    """Return the words with paths that exist here made whole, before the folder is changed."""
    found: list[str] = []
    for word in changes:
        key, equals, value = word.partition("=")
        is_place = key.rpartition(".")[2] in PLACES and equals and value
        here = is_place and typed(value).exists()
        found.append(f"{key}={typed(value).absolute()}" if here else word)
    return found
