"""Reads the values of a JSON text one after another, which is never in memory whole."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

from ftrecipe.data.columns import kind
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files.encoding import refuse_bad_bytes

Row = tuple[Where, dict[str, Any] | RowFault]

_WRAPPERS = ("data", "rows", "examples", "records", "items", "train")
_SPACE = re.compile(r"[\s\ufeff\x1e\x1a]*")
_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
# A list of objects that are no turns of a conversation, or an empty one.
_LIST = re.compile(r'\s*:\s*\[\s*(?:\]|\{(?!\s*"(?:from|role|value|content)"))')
_TEXTS = re.compile(r'\s*:\s*\[\s*"')
_PIECE = 2**20
_NEAR = 24  # characters before the end of what was read, where a fault may be the cut's


def as_record(value: Any) -> dict[str, Any]:
    """Return the record that a JSON value is; text is one of a column `text`. Raises RowFault.

    A list of messages that stands alone is one of the column that its format has.
    """
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        column = "messages" if "role" in value[0] else "conversations"
        if "role" in value[0] or "from" in value[0]:
            return {column: value}
    if not isinstance(value, dict):
        raise RowFault(f"is {kind(value)}, not an object")
    return value


def json_reason(error: Exception) -> str:
    """Say why a value cannot be read."""
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def wraps(text: str) -> bool:
    """Say whether a JSON object is the wrapping of a list of rows."""
    return Document(io.StringIO(text), "").wrapper() is not None


class Document:
    """The rows of a JSON text: of an array, of an object around one, or values in a row."""

    def __init__(self, file: TextIO, name: str) -> None:
        self._file = file
        self._name = name
        self._text = ""
        self._at = 0
        self._done = False
        self._lines = 0  # line ends before `_text`
        self._column = 0  # characters of the line that are before `_text`
        self._count = 0
        self._decode = json.JSONDecoder().raw_decode

    def rows(self) -> Iterator[Row]:
        """Yield the rows; what is behind a break is one malformed row."""
        try:
            while self._next():
                yield from self._value()
                if self._next() == ",":
                    self._at += 1
        except _BrokenError as error:
            self._count += 1
            yield Where(self._name, "row", self._count), error.fault

    def _value(self) -> Iterator[Row]:
        if self._next() == "[":
            yield from self._items()
        elif self._next() == "{" and (key := self.wrapper()):
            yield from self._wrapped(key)
        else:
            yield self._row()

    def _items(self) -> Iterator[Row]:
        """Yield the rows of the array that begins here."""
        self._at += 1
        if self._next() == "]":
            self._at += 1
            return
        while True:
            yield self._row()
            mark = self._next()
            if mark not in (",", "]"):
                self._break("Expecting ',' delimiter" if mark else "the array is never closed")
            self._at += 1
            if mark == "]":
                return
            if self._next() == "]":
                self._break("a comma before the end of the array")

    def _row(self) -> Row:
        value, end = self._decoded()
        text = self._text[self._at : end]
        self._at = end
        self._count += 1
        where = Where(self._name, "row", self._count)
        try:
            refuse_bad_bytes(text)
            return where, as_record(value)
        except RowFault as fault:
            return where, fault

    def wrapper(self) -> str | None:
        """Return the field of the object here that holds the rows, if it is not far from here."""
        while len(self._text) - self._at < _PIECE and self._more():
            pass
        depth = 0
        for found in _MARKS.finditer(self._text, self._at, self._at + _PIECE):
            mark = found.group()
            if mark[0] != '"':
                depth += 1 if mark in "{[" else -1
                if depth == 0:
                    return None
            elif depth == 1 and self._holds_rows(mark[1:-1], found.end()):
                return mark[1:-1]
        return None

    def _holds_rows(self, key: str, at: int) -> bool:
        if key not in _WRAPPERS:
            return False
        texts = key == "data" and _TEXTS.match(self._text, at) is not None
        return texts or _LIST.match(self._text, at) is not None

    def _wrapped(self, key: str) -> Iterator[Row]:
        """Yield the rows in a field of the object here; its other fields are not rows."""
        self._at += 1
        while self._next() == '"':
            name, self._at = self._decoded()
            if self._next() != ":":
                self._break("Expecting ':' delimiter")
            self._at += 1
            if name == key and self._next() == "[":
                yield from self._items()
            else:
                _, self._at = self._decoded()
            if self._next() != ",":
                break
            self._at += 1
        if self._next() != "}":
            self._break("Expecting ',' delimiter")
        self._at += 1

    def _decoded(self) -> tuple[Any, int]:
        """Return the value here and where it ends. Raises _BrokenError."""
        self._next()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - _NEAR or error.msg.startswith("Untermin")
                if not (cut and self._more()):
                    self._break(error.msg, error.pos)
            except (RecursionError, ValueError) as error:
                self._break(json_reason(error))
            else:
                # A number at the very end may go on.
                if end < len(self._text) or not self._more():
                    return value, end

    def _next(self) -> str:
        """Go to the next character that is no space and return it; nothing at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read on, forgetting what is behind; return whether there was more."""
        piece = "" if self._done else self._file.read(max(_PIECE, 2 * (len(self._text) - self._at)))
        if not piece:
            self._done = True
            return False
        line, column = self._place(self._at)
        self._lines, self._column = line - 1, column - 1
        self._text = self._text[self._at :] + piece
        self._at = 0
        return True

    def _place(self, at: int) -> tuple[int, int]:
        """Return the line and the column of a place in the text, from 1."""
        breaks = self._text.count("\n", 0, at)
        last = self._text.rfind("\n", 0, at)
        column = at - last if breaks else self._column + at + 1
        return self._lines + breaks + 1, column

    def _break(self, reason: str, at: int | None = None) -> NoReturn:
        line, column = self._place(self._at if at is None else at)
        raise _BrokenError(RowFault(f"broken JSON: {reason} (line {line}, column {column}); "
                                    "what follows in the file is not read"))  # fmt: skip


class _BrokenError(Exception):
    """The text goes on as no JSON does."""

    def __init__(self, fault: RowFault) -> None:
        super().__init__(str(fault))
        self.fault = fault
