"""Reads the rows of files of records, whatever their ending, one at a time, each with its place."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import refuse_bad_bytes
from ftrecipe.data.records.columnar import read_arrow, read_parquet
from ftrecipe.data.records.json_rows import read_json
from ftrecipe.data.records.tables import read_csv
from ftrecipe.errors import DataError, listed

Row = tuple[Where, dict[str, Any] | RowFault]

_OBJECT = re.compile(r'[\ufeff\s]*(?:\[\s*)?\{\s*"[^"\n]*"\s*:')  # the first of JSON rows


def read_text(source: DataFile) -> Iterator[Row]:
    """Yield `{"text": …}` for each block between blank lines; without any, for each line."""
    with source.text() as file:
        blocks = _has_blocks(file)
    with source.text() as file:
        lines: list[str] = []
        start = 1
        found = False
        for number, line in enumerate(chain(file, ["\n"]), 1):
            if lines and not (blocks and line.strip()):
                found = True
                yield Where(source.name, "line", start), _document("".join(lines))
                lines = []
            if line.strip():
                start = start if lines else number
                lines.append(line)
    if not found:
        raise DataError(f"{source.name} is empty")


def _has_blocks(lines: Iterable[str]) -> bool:
    """Say whether a blank line stands between two that are not."""
    text = gap = False
    for line in lines:
        if line.strip() and gap:
            return True
        text = text or bool(line.strip())
        gap = text and not line.strip()
    return False


def _document(text: str) -> dict[str, Any] | RowFault:
    try:
        refuse_bad_bytes(text)
    except RowFault as fault:
        return fault
    return {"text": text.replace("\r\n", "\n").strip("\n")}


READERS: dict[str, Callable[[DataFile], Iterator[Row]]] = {
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".txt": read_text,
}


ENDINGS = tuple(READERS)


def read_file(source: DataFile) -> Iterator[Row]:
    """Yield place and record, or place and fault, of each row. Raises DataError for the file."""
    yield from reader_of(source)(source)


def reader_of(source: DataFile) -> Callable[[DataFile], Iterator[Row]]:
    """Return what reads a file; what its bytes say goes before its ending. Raises DataError."""
    if binary := {"parquet": read_parquet, "arrow": read_arrow}.get(source.kind):
        return binary
    if READERS.get(source.ending) is not read_json and _begins_as_json(source):
        return read_json
    if source.ending not in READERS:
        known = listed(sorted(READERS))
        raise DataError(f"{source.name}: cannot read {source.ending or 'a file without an ending'}"
                        f" (known: {known}, each also packed: .gz, .zst, .zip)")  # fmt: skip
    return READERS[source.ending]


def _begins_as_json(source: DataFile) -> bool:
    with source.text() as file:
        return _OBJECT.match(file.read(4096)) is not None
