"""Reads tables of text, CSV and TSV, a row at a time."""

import csv
import io
import re
import sys
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import bad_byte, refuse_bad_bytes
from ftrecipe.errors import DataError, listed

if TYPE_CHECKING:
    from _csv import Reader

Row = tuple[Where, dict[str, object] | RowFault]

_DELIMITERS = ",;\t|"
_SAMPLED = 2**16  # characters by which the delimiter is found
_SAMPLED_ROWS = 30
_LONGEST = 20_000  # lines of one cell; behind them its quote was never closed
_SEP = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)


class _Lines(Iterator[str]):
    """The lines of a file, of which those of the last row can be read again."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self.number = 0  # of the line read last, from 1

    def __next__(self) -> str:
        if len(self._row) > _LONGEST:
            raise StopIteration
        line = self._again.popleft() if self._again else next(self._file)
        self._row.append(line)
        self.number += 1
        return line

    def new_row(self) -> None:
        """Forget the lines read so far."""
        self._row = []

    def only_first(self) -> None:
        """Go back to the second line of the row."""
        self._again.extendleft(reversed(self._row[1:]))
        self.number -= max(0, len(self._row) - 1)
        self._row = []


def read_csv(source: DataFile) -> Iterator[Row]:
    """Yield the rows of a CSV or TSV file; a row's number is the line on which it starts."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    delimiter, asked = _delimiter(source)
    with source.text() as file:
        lines = _Lines(file)
        if asked:
            next(lines)
            lines.new_row()
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        header = _header(reader, lines, source.name)
        empty = True
        for row in _rows(reader, lines, header, source.name):
            empty = False
            yield row
    if empty:
        raise DataError(f"{source.name} has a header and no rows")


def _delimiter(source: DataFile) -> tuple[str, bool]:
    """Return the delimiter, and whether the first line says so (`sep=;`)."""
    with source.text() as file:
        sample = file.read(_SAMPLED)
    asked = _SEP.match(sample.lstrip("\ufeff").split("\n", 1)[0].rstrip("\r"))
    if asked:
        return asked.group(1), True
    fits = {mark: _fit(sample, mark) for mark in _DELIMITERS}
    if source.ending == ".tsv" and fits["\t"][0]:
        return "\t", False
    return max(_DELIMITERS, key=lambda mark: fits[mark]), False  # the first of equals


def _fit(sample: str, delimiter: str) -> tuple[bool, float, int]:
    """Say how well a delimiter cuts: into more than one cell, as many in each row, into many."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        cut = [row for row in islice(reader, _SAMPLED_ROWS) if any(cell.strip() for cell in row)]
    except csv.Error:
        return False, 0.0, 0
    if 1 < len(cut) < _SAMPLED_ROWS and len(sample) == _SAMPLED:
        del cut[-1]  # its end may be missing
    rows = [len(row) for row in cut]
    if not rows:
        return False, 0.0, 0
    same = sum(count == rows[0] for count in rows) / len(rows)
    return rows[0] > 1, same, rows[0]


def _header(reader: "Reader", lines: _Lines, name: str) -> list[str]:
    try:
        header = next((row for row in reader if any(cell.strip() for cell in row)), None)
    except csv.Error as error:
        raise DataError(f"{name} line 1: broken header: {_csv_reason(error)}") from None
    if header is None:
        raise DataError(f"{name} is empty")
    lines.new_row()
    header = [cell.strip().lstrip("\ufeff").strip() for cell in header]
    if bad_byte("".join(header)):
        raise DataError(f"{name} line 1: not UTF-8 text; save the file as UTF-8")
    twice = sorted(cell for cell, count in Counter(header).items() if cell and count > 1)
    if twice:
        raise DataError(f"{name} has more than one column {listed(twice)}")
    return header


def _rows(reader: "Reader", lines: _Lines, header: list[str], name: str) -> Iterator[Row]:
    """Yield each row; what cannot be read costs the line on which it starts, and no more."""
    while True:
        where = Where(name, "line", lines.number + 1)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.only_first()
            yield where, RowFault(_csv_reason(error))
            continue
        lines.new_row()
        if not any(cell.strip() for cell in cells):
            continue
        try:
            yield where, _record(cells, header)
        except RowFault as fault:
            yield where, fault


def _csv_reason(error: csv.Error) -> str:
    unclosed = "unexpected end of data" in str(error)
    return "a quote that is never closed" if unclosed else f"broken CSV: {error}"


def _record(cells: list[str], header: list[str]) -> dict[str, object]:
    if len(cells) != len(header):
        raise RowFault(f"has {len(cells)} cells, the header has {len(header)}")
    for cell in cells:
        refuse_bad_bytes(cell)
    return {name: cell for name, cell in zip(header, cells, strict=True) if name}
