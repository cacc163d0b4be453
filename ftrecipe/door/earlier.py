"""Earlier runs that a run names: each name becomes the folder that it means now, once.

A name moves on; what was used has to stay known, so the run keeps the folder.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from omegaconf import DictConfig, ListConfig

from ftrecipe.baselines import name_of
from ftrecipe.compare.gate import renamed
from ftrecipe.config import RunConfig
from ftrecipe.door.words import literal
from ftrecipe.errors import ConfigError
from ftrecipe.found import NoSuchRun, find_run
from ftrecipe.paths import typed

KEYS = (("model", "from_run"), ("compare", "against"))


def settled(node: DictConfig, doubtful: set[str]) -> tuple[dict[str, str], list[str]]:
    """Put folders in the place of names, in the typed tree of a run; return those, and the faults.

    What names no run is left to the rules; `doubtful` groups are not looked at.
    """
    named: dict[str, str] = {}
    faults: list[str] = []
    for group, name in KEYS:
        if group in doubtful or group not in node or name not in node[group]:
            continue
        for place, key, text in _texts(node[group], name):
            try:
                folder = str(find_run(text, typed(str(node.runs_dir))).path)
            except NoSuchRun:
                continue
            except ConfigError as error:
                faults += [f"{group}.{name}={text}: {fault}" for fault in error.faults]
                continue
            if typed(text) != typed(folder):
                place[key] = literal(folder)
                named[text] = folder
    if not {"gate", "compare"} & doubtful:
        _rename_in_gate(node, named)
    return named, faults


def _rename_in_gate(node: DictConfig, named: dict[str, str]) -> None:
    """Let conditions call earlier runs as results do, however they and `against` were typed."""
    against = [text for _, _, text in _texts(node.compare, "against")]
    names = {text: name_of(text) for text in against}
    names |= {text: name_of(folder) for text, folder in named.items() if folder in against}
    for place, at, text in _texts(node, "gate"):
        if (plain := renamed(text, names)) != text:
            place[at] = literal(plain)


def settled_words(words: Sequence[str], run: RunConfig, named: Collection[str]) -> list[str]:
    """Return a command line with the folders that a run settled on in place of their names."""
    settled = list(as_words(run, named))
    keys = {word.partition("=")[0] for word in settled}
    kept = (word for word in words if word.lstrip("+").partition("=")[0] not in keys)
    return [*kept, *settled]


def as_words(run: RunConfig, named: Collection[str]) -> Iterator[str]:
    """Yield the words that say which folders a run settled on, for others that go with it."""
    if not named:
        return
    for group, name in KEYS:
        value = getattr(getattr(run, group), name)
        if isinstance(value, list) and value:
            yield f"{group}.{name}=[{','.join(map(_quoted, value))}]"
        elif isinstance(value, str):
            yield f"{group}.{name}={value}"


def _quoted(text: str) -> str:
    """Quote text for Hydra, whose quotes end at a quote without a backslash."""
    return "'" + text.replace("'", "\\'") + "'"


def _texts(parent: DictConfig, name: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield each text, with where it stands: the one value, or each of several."""
    value = parent._get_node(name)
    if isinstance(value, ListConfig):
        several = [] if value._is_none() else range(len(value))
        yield from ((value, at, value[at]) for at in several if isinstance(value[at], str))
    elif isinstance(parent[name], str):
        yield parent, name, parent[name]
