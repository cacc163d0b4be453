"""Reads tables: CSV and TSV lazily, Parquet in batches."""

import csv
import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from ftrecipe.data.encoding import bad_byte, refuse_bad_bytes
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.errors import DataError, listed

if TYPE_CHECKING:
    from _csv import Reader

Row = tuple[Where, dict[str, object] | RowFault]

_PARQUET_BATCH = 1000


def read_csv(source: DataFile) -> Iterator[Row]:
    """Yield the rows of a CSV or TSV file; a row's number is the line on which it starts."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with source.text() as file:
        first = file.readline()
        file.seek(0)
        reader = csv.reader(file, delimiter=_delimiter(first, source.ending), strict=True)
        header = _header(reader, source.name)
        empty = True
        for row in _rows(reader, header, source.name):
            empty = False
            yield row
    if empty:
        raise DataError(f"{source.name} has a header and no rows")


def _delimiter(header: str, ending: str) -> str:
    """Return tab for a .tsv; else the likeliest of comma, semicolon, tab by the header."""
    if ending == ".tsv":
        return "\t"
    return max(",;\t", key=header.count)


def _header(reader: "Reader", name: str) -> list[str]:
    try:
        header = next((row for row in reader if any(row)), None)
    except csv.Error as error:
        raise DataError(f"{name} line 1: broken header: {error}") from None
    if header is None:
        raise DataError(f"{name} is empty")
    header = [cell.strip() for cell in header]
    if bad_byte("".join(header)):
        raise DataError(f"{name} line 1: not UTF-8 text; save the file as UTF-8")
    twice = sorted({cell for cell in header if header.count(cell) > 1})
    if twice:
        raise DataError(f"{name} has more than one column {listed(twice)}")
    return header


def _rows(reader: "Reader", header: list[str], name: str) -> Iterator[Row]:
    while True:
        where = Where(name, "line", reader.line_num + 1)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield where, RowFault(_csv_reason(error))
            continue
        if not any(cells):
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
    return dict(zip(header, cells, strict=True))


def read_parquet(source: DataFile) -> Iterator[Row]:
    """Yield the rows of a Parquet file, a batch in memory at a time."""
    import pyarrow
    import pyarrow.parquet

    opened = source.path if source.path and source.name.endswith(".parquet") else None
    try:
        table = pyarrow.parquet.ParquetFile(opened or io.BytesIO(source.open().read()))
        if table.metadata.num_rows == 0:
            raise DataError(f"{source.name} is empty")
        number = 0
        for batch in table.iter_batches(batch_size=_PARQUET_BATCH):
            for record in batch.to_pylist():
                number += 1
                yield Where(source.name, "row", number), record
    except pyarrow.ArrowException as error:
        raise DataError(f"{source.name} is not a Parquet file: {error}") from None


def read_lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers from 1."""
    for number, line in enumerate(file, 1):
        if line.strip():
            yield number, line
