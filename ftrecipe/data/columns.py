"""Finds the columns of a record and turns their values into text; knows no format."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ftrecipe.data.example import ColumnFault, RowFault
from ftrecipe.errors import did_you_mean, listed

_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")

Record = Mapping[str, Any]


def column_of(record: Record, names: Sequence[str]) -> str | None:
    """Return the first of `names` that is a column, ignoring case and outer spaces."""
    for name in names:
        if name in record:
            return name
    loose = _loosely(tuple(record))
    return next((loose[name] for name in names if name in loose), None)


@lru_cache(8)
def _loosely(columns: tuple[Any, ...]) -> dict[str, Any]:
    """Return the columns by their small letters; the rows of a table have the same ones."""
    return {str(key).strip().casefold(): key for key in columns}


def missing(field: str, record: Record, asked: str | None = None) -> ColumnFault:
    """Return the fault of a field that no column of the record holds."""
    names = [str(key) for key in record]
    columns = listed(names)
    if asked is not None:
        hint = did_you_mean(asked, names)
        return ColumnFault(
            f"no column {asked!r} (dataset.columns.{field}){hint or ';'} columns: {columns}"
        )
    return ColumnFault(
        f"no column for {field!r}; columns: {columns}; set dataset.columns.{field}=<column>"
    )


def as_text(value: object, column: str) -> str:
    """Return a cell as text: None is empty, numbers are written out, nested values are faults."""
    if value is None:
        return ""
    if isinstance(value, (list, dict)):
        raise RowFault(f'column "{column}" holds {kind(value)}, not text')
    text = value if isinstance(value, str) else str(value)
    if broken(text):
        raise RowFault(f'column "{column}" has a broken character (half of a surrogate pair)')
    return text


def broken(text: str) -> bool:
    """Say whether `text` holds half of a surrogate pair, which no tokenizer takes."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def kind(value: object) -> str:
    """Name a JSON value's type in plain words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")


def holes(template: str) -> list[str]:
    """Return the column names that `template` asks for."""
    return [found.group(1) for found in _HOLE.finditer(template) if found.group(1) is not None]


def fill(template: str, record: Record) -> str:
    """Put the record's values into the `{column}` holes; `{{` and `}}` are plain braces."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None:
            return found.group(0)[0]
        column = column_of(record, [name])
        if column is None:
            columns = listed([str(key) for key in record])
            raise ColumnFault(f"dataset.template asks for {{{name}}}; columns: {columns}")
        return as_text(record[column], column)

    return _HOLE.sub(value, template)
