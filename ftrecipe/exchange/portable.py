"""A run's recipe and lock as another team can use them: no path, secret or wish of this machine."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from ftrecipe.components.model import looks_like_hub_id
from ftrecipe.door.reach import PROGRAMS, SENT_TO
from ftrecipe.exchange import places
from ftrecipe.paths import typed
from ftrecipe.secrets import redacted, redacted_tree

OWN = ("tracking", "runs_dir", "consent")  # how a team works, and no part of what is repeated
TEMPLATE = "chat_template"
SMALL = 64 * 1024  # bytes of a chat template that comes along


def portable(recipe: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a recipe with its places renamed, without what is its team's own affair."""
    kept = {key: value for key, value in recipe.items() if key not in (*OWN, "defaults")}
    chosen = [one for one in recipe.get("defaults", []) if "override /tracking" not in one]
    return ({"defaults": chosen} if chosen else {}) | renamed(_anywhere(kept), names)


def _anywhere(node: Any) -> Any:
    """Return nested values without the programs and servers that only the command line may name."""
    if not isinstance(node, Mapping):
        return node
    kept = {k: _anywhere(value) for k, value in node.items() if k not in (*PROGRAMS, *SENT_TO)}
    return {key: value for key, value in kept.items() if value != {} or node[key] == {}}


def renamed(node: Any, names: Mapping[str, str]) -> Any:
    """Return nested values with the places in `names` renamed, and secrets left out."""
    return redacted_tree(_each(node, lambda text: names.get(text, text)))


def _each(node: Any, change: Callable[[str], str]) -> Any:
    if isinstance(node, str):
        return change(node)
    if isinstance(node, Mapping):
        return {key: _each(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [_each(value, change) for value in node]
    return node


def new_names(config: Mapping[str, Any], working_dir: Path) -> dict[str, str]:
    """Return how every place of a run's config is named for others: old → new.

    A file of this machine becomes one beside the recipe: where the reader's own copy is to be.
    """
    return {place: _named(key, place, working_dir) for key, place in places.named(config)}


def _named(key: str, place: str, working_dir: Path) -> str:
    if places.is_url(place) or place.startswith(("builtin:", "recipe:")):
        return redacted(place)
    if key == "runs_dir":
        return "runs"
    here = (working_dir / typed(place)).exists()
    by_name = key.endswith(TEMPLATE) and "/" not in place and "." not in place
    if not here and (by_name or (looks_like_hub_id(place) and not PurePath(place).suffix)):
        return place
    return f"recipe:{PurePath(place).name}"


def templates(config: Mapping[str, Any], working_dir: Path) -> Iterator[Path]:
    """Yield the chat templates that a run read from files: they are part of the recipe."""
    for key, place in places.named(config):
        file = working_dir / typed(place)
        if key.endswith(TEMPLATE) and file.is_file() and file.stat().st_size <= SMALL:
            yield file
