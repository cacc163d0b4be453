"""YAML as plain data: a file's text, checked before anything is built from it, as a tree of nodes.

Tags, anchors, control characters, depth and size are refused; what the keys mean is not known here.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from omegaconf._utils import get_yaml_loader

from ftrecipe.errors import ConfigError

LARGEST = 256 * 1024  # bytes; a recipe is a page, not a data file
DEEPEST = 16  # levels of nesting
# What a terminal acts on instead of showing it: control characters, and those that turn text.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
REASONS = {
    "cannot start any token": "a character that begins nothing, a tab perhaps; indent with spaces",
    "mapping values are not allowed": "a second colon in one line, or a line indented too far",
    "expected ':'": "a key without a colon after it",
    "expected ',' or": "brackets that do not close",
    "expected <block end>": "a line indented unlike those around it",
    "expected the node content": "a value that is missing, or brackets that do not close",
    "end of stream": "quotes or brackets that do not close",
    "escape": "a backslash in double quotes that means nothing; use single quotes",
}


def text_of(file: Path) -> str:
    """Return the text of a file. Raises ConfigError for one that is no recipe."""
    if not file.is_file():
        raise ConfigError(f"recipe={file}: there is no such file")
    if file.stat().st_size > LARGEST:
        raise ConfigError(f"{file}: larger than {LARGEST // 1024} KiB, so it is no recipe")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not UTF-8 text, so it is no recipe") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    for number, line in enumerate(text.split("\n"), 1):
        _refuse_control(line.removesuffix("\r"), f"{file} line {number}")
    return text


def tree_of(text: str, file: Path) -> yaml.MappingNode:
    """Return the one mapping that the text of `file` is. Raises ConfigError with the line."""
    _check(text, file)
    found = list(_parsed(yaml.compose_all(text, Loader=get_yaml_loader()), file))
    if len(found) != 1 or not isinstance(found[0], yaml.MappingNode):
        raise ConfigError(f"{file}: a recipe is one mapping of keys to values")
    return found[0]


def place(node: Any, file: Path) -> str:
    """Return where a node or event is: `x.yaml line 3`."""
    return f"{file} line {node.start_mark.line + 1}"


def value_of(node: yaml.Node) -> Any:
    """Return the plain value of a scalar. Raises ValueError for one that is none."""
    loader = get_yaml_loader()("")
    try:
        return loader.construct_object(node, deep=True)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    finally:
        loader.dispose()


def _check(text: str, file: Path) -> None:
    """Refuse what YAML can do beyond plain data, before anything is built from it."""
    depth = 0
    for event in _parsed(yaml.parse(text, Loader=yaml.SafeLoader), file):
        where = place(event, file)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise ConfigError(f"{where}: anchors and aliases are not allowed")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            raise ConfigError(f"{where}: {event.tag}: a recipe is data, never code; no tags")
        if isinstance(event, yaml.ScalarEvent):
            _refuse_control(event.value.replace("\n", " "), where)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ConfigError(f"{where}: nested deeper than {DEEPEST} levels")


def _refuse_control(text: str, where: str) -> None:
    if found := CONTROL.search(text.replace("\t", " ")):
        raise ConfigError(
            f"{where}: holds the control character U+{ord(found[0]):04X}, which no recipe needs"
        )


def _parsed(steps: Iterator[Any], file: Path) -> Iterator[Any]:
    try:
        yield from steps
    except yaml.MarkedYAMLError as error:
        problem = str(error.problem)
        reason = next((why for part, why in REASONS.items() if part in problem), "not readable")
        mark = error.problem_mark or error.context_mark
        where = f"{file} line {mark.line + 1}" if mark else str(file)
        raise ConfigError(f"{where}: not valid YAML: {reason}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{file}: not valid YAML: a character that no text has") from None
