"""Reads JSON and JSON Lines a row at a time, whichever of the two a file holds."""

import json
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any, TextIO

from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import refuse_bad_bytes
from ftrecipe.data.records.json_stream import Document, Row, as_record, json_reason, wraps
from ftrecipe.errors import DataError

_LINES = (".jsonl", ".ndjson")
_BLANK = " \t\r\n\ufeff\x1e\x1a"
_LINE = 2**21  # characters of a first line that is looked at
_LONGEST = 2**28  # characters of one line


def read_json(source: DataFile) -> Iterator[Row]:
    """Yield the rows of JSON Lines, of an array, of `{"data": [...]}` or of objects in a row.

    Raises DataError for a file without any.
    """
    with source.text() as file:
        lines = _is_lines(file, source.ending in _LINES)
    empty = True
    with source.text() as file:
        for row in _lines(file, source.name) if lines else Document(file, source.name).rows():
            empty = False
            yield row
    if empty:
        raise DataError(f"{source.name} is empty")


def _is_lines(file: TextIO, named: bool) -> bool:
    """Say whether each line is a row, as the name says (`named`) or the first lines do."""
    lines = (line.strip(_BLANK) for line in iter(partial(file.readline, _LINE), ""))
    first, *more = [*islice((line for line in lines if line), 3)] or [""]
    if len(first) >= _LINE - 4:
        return False
    if isinstance(_whole(first), dict):
        return bool(more) or (named and not wraps(first))
    if first in ("[", "{", "") or _opens_document(first, more):
        return False
    return len(more) > 0


def _opens_document(first: str, more: list[str]) -> bool:
    """Say whether a line is the beginning of a longer value, and not a broken row."""
    if first.startswith("["):
        return not more or not isinstance(_whole(first), list)
    try:
        json.loads(first)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(first) - 1
        return first.startswith("{") and cut and not any(_whole(line) for line in more)
    except (RecursionError, ValueError):
        return False
    return False


def _whole(line: str) -> Any:
    """Return the value of a line, or None where it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _lines(file: TextIO, name: str) -> Iterator[Row]:
    for number, line in enumerate(iter(partial(file.readline, _LONGEST), ""), 1):
        if len(line) == _LONGEST:
            raise DataError(f"{name} line {number} is longer than {_LONGEST:,} characters")
        text = line.strip(_BLANK)
        if text:
            yield Where(name, "line", number), _parsed(text, line)


def _parsed(text: str, line: str) -> dict[str, Any] | RowFault:
    try:
        refuse_bad_bytes(text)
        return as_record(json.loads(text))
    except json.JSONDecodeError as error:
        return RowFault(f"broken JSON: {error.msg} (column {error.colno + line.index(text)})")
    except (RecursionError, ValueError) as error:
        return RowFault(f"broken JSON: {json_reason(error)}")
    except RowFault as fault:
        return fault
