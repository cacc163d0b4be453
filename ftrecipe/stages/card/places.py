"""Text without places of this machine: strangers read a card, and a name tells them enough."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

_SEGMENT = r"[^\s/\\\"'`<>|:,;()\[\]]+"
# Two segments at least, so that "and /or" is no path; nothing that goes on from a word or a URL.
_POSIX = re.compile(rf"(?<![\w.:/\\~-])(?:file://)?~?(?:/{_SEGMENT}){{2,}}/?")
_HOME = re.compile(rf"(?<![\w.:/\\-])~/{_SEGMENT}/?")
_WINDOWS = re.compile(rf"(?<!\w)[A-Za-z]:[\\/](?:{_SEGMENT}[\\/])*{_SEGMENT}")


def without_places(text: str, config: Any = None) -> str:
    """Return `text` with the files of this machine by their names alone.

    Files that `config` names are known whole, also where there are blanks in their names.
    """
    for path in sorted(set(_absolute(config)), key=len, reverse=True):
        text = text.replace(path, _name(path))
    for shape in (_WINDOWS, _POSIX, _HOME):
        text = shape.sub(lambda found: _name(found[0]), text)
    return text


def _absolute(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        if "\n" not in node and (node.startswith(("/", "~/")) or node[1:3] == ":\\"):
            yield node
    elif isinstance(node, dict | list):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _absolute(item)


def _name(path: str) -> str:
    kind = PureWindowsPath if path[1:2] == ":" else PurePosixPath
    return kind(path).name or path
