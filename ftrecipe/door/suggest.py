"""Which key was meant: by other tools' names, by where the word is known, and by spelling."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

from omegaconf import DictConfig

from ftrecipe.aliases import OPTIONS, meant, told
from ftrecipe.config import GROUPS, options
from ftrecipe.passthrough import tables

ALIKE = 0.6  # how much of a word has to be the same as a key beside it, and
SURE = 0.8  # as a key anywhere else


def key(root: DictConfig, path: Sequence[str], depth: int, known: Sequence[str], value: str) -> str:
    """Return the key, with its whole path, that was meant by `path`, of which `path[depth]` is
    unknown beside the keys `known`; or nothing. A choice is returned with its option.

    `value` is what the key was set to, as it was written.
    """
    above, word, below = path[:depth], path[depth], path[depth + 1 :]
    if below and not above and (group := _of_several(word)):
        return ".".join((group, *path))
    every = list(_keys(root, ()))
    last = path[-1]
    inside = (_alias(last, value) or _place(every, last)) if below and not above else ""
    found = inside or _alias(word, value) or (_alias(last, value) if below else "")
    group = found.partition("=")[0].partition(".")[0]
    if above and (beside := found.rpartition(".")[2]) in known:
        return ".".join((*above, beside, *below))
    if above and group != above[0] and (place := _place_below(every, above, found)):
        return place
    if above and group != above[0] and (near := get_close_matches(word, list(known), 1, SURE)):
        return ".".join((*above, near[0], *below))  # of what it stands beside, not of elsewhere
    if found and found.partition("=")[0] != ".".join(path):
        return found
    if not above and (place := _place(every, word)):
        return place
    if near := get_close_matches(word, list(known), 1, ALIKE if above else SURE - 0.05):
        return ".".join((*above, near[0], *below))
    return _elsewhere(root, every, last if below else word)


def why(path: Sequence[str], depth: int) -> str:
    """Return why there is nothing like the unknown key, where that is known."""
    return told(path[depth]) or (told(path[-1]) if depth else "")


def _alias(word: str, value: str) -> str:
    """Return our name for another tool's, with its option where the value says which."""
    found = meant(word)
    if found not in GROUPS:
        return found
    choice = value.strip("[]'\"").lower()
    if choice in OPTIONS.get(found, {}):
        return OPTIONS[found][choice]
    if choice in options(found):
        return f"{found}=[{choice}]" if GROUPS[found].many else f"{found}={choice}"
    as_word = OPTIONS.get(found, {}).get(word, f"{found}={word}" if word in options(found) else "")
    return as_word or found


def _elsewhere(root: DictConfig, every: Sequence[tuple[str, ...]], word: str) -> str:
    """Return where a word belongs that stands in the wrong place, or is almost a key of another."""
    if place := _place(every, word):
        return place
    if extra := _argument(root, word):
        return extra
    words = list(dict.fromkeys(path[-1] for path in every))
    near = get_close_matches(word, words, 1, SURE)
    return ".".join(next(path for path in every if path[-1] == near[0])) if near else ""


def _of_several(word: str) -> str:
    """Return the group of which several options can be chosen, one of that name; or nothing."""
    return next((name for name in GROUPS if GROUPS[name].many and word in options(name)), "")


def _place_below(every: Sequence[tuple[str, ...]], above: Sequence[str], found: str) -> str:
    """Return the first key below `above` that is called as the one that was found elsewhere."""
    name, start = found.rpartition(".")[2], tuple(above)
    below = (path for path in every if path[: len(start)] == start and path[-1] == name)
    return ".".join(next(below, ()))


def _place(every: Sequence[tuple[str, ...]], word: str) -> str:
    """Return the first key of that name, or the choice of the option of that name."""
    if owner := next((path for path in every if path[-1] == word), None):
        return ".".join(owner)
    for group in GROUPS:
        if word in options(group):
            return f"{group}=[{word}]" if GROUPS[group].many else f"{group}={word}"
    return ""


def _argument(root: DictConfig, word: str) -> str:
    """Return the key by which a library's own argument is handed to it."""
    for group in ("trainer", "peft"):
        chosen = root.get(group)
        kind = chosen._metadata.object_type if isinstance(chosen, DictConfig) else None
        if not is_dataclass(kind) or "extra" not in [item.name for item in fields(kind)]:
            continue
        if word in tables()[kind.passes_to] and word not in kind.reserved:  # type: ignore[attr-defined]
            return f"{group}.extra.{word}"
    return ""


def _keys(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of all keys, those of groups before the keys in them."""
    if isinstance(node, DictConfig) and not node._is_none() and not node._is_missing():
        for name in node:
            yield (*path, str(name))
        for name in node:
            yield from _keys(node._get_node(name), (*path, str(name)))
