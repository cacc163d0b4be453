"""What one command line says twice and differently: told, or refused where both may be meant."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ftrecipe.errors import ConfigError

Pair = tuple[str, str]


def differing(said: Iterable[Pair]) -> dict[str, list[str]]:
    """Return by key the values, as they were written, of each that is given several.

    `said` are keys with their values as they were written, in their order.
    """
    found: dict[str, dict[str, str]] = {}
    for key, text in said:
        texts = found.setdefault(key, {})
        texts.pop(_plain(text), None)  # so that the last one said stands last
        texts[_plain(text)] = text
    twice = {key: list(texts.values()) for key, texts in found.items() if len(texts) > 1}
    return {
        key: texts
        for key, texts in twice.items()
        if "." not in key or key.partition(".")[0] not in twice
    }


def fault(key: str, texts: list[str], several: bool = False) -> str:
    """Return that a key is given twice, and what to write; `several` where it takes a list."""
    way_out = f"for all of them, {_together(key, texts)}" if several else "leave one of them out"
    shown = " and ".join(map(_shown, texts))
    return f"{key}: is given twice, with different values ({shown}); {way_out}"


def is_list(text: str) -> bool:
    """Tell a value that is written as a list: all that there is to be."""
    return text.lstrip().startswith("[")


def note(key: str, texts: list[str]) -> str:
    """Return that the last of several values counts, as command lines have it."""
    *before, last = map(_shown, texts)
    return f"twice     {key}: {last} comes last and counts, not {' or '.join(before)}"


def repeated(group: str, chosen: Iterable[Any]) -> Iterator[str]:
    """Yield a fault for each option that a list of choices holds more than once."""
    names = [str(name) for name in chosen]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        once = ",".join(dict.fromkeys(names))
        yield f"{group}=[{','.join(names)}]: {name} is named twice; write {group}=[{once}]"


def refuse_repeated(group: str, chosen: Iterable[Any]) -> None:
    """Raise ConfigError where a list of choices holds an option more than once."""
    if found := list(repeated(group, chosen)):
        raise ConfigError(found)


def leaves(key: str, value: Any, text: str) -> Iterator[Pair]:
    """Yield what a value sets: each key of its own, if it is a mapping."""
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from leaves(f"{key}.{name}", below, str(below))
    else:
        yield key, text


def _plain(text: str) -> str:
    """Return a value without what may be written or left out: brackets of one, quotes, spaces."""
    stripped = text.strip().removeprefix("[").removesuffix("]")
    return ",".join(part.strip().strip("'\"") for part in stripped.split(","))


def _shown(text: str) -> str:
    return text if text else "nothing"


def _together(key: str, texts: list[str]) -> str:
    every = dict.fromkeys(part for text in texts for part in _plain(text).split(",") if part)
    return f"{key}=[{','.join(every)}]"
