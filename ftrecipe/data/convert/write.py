"""Writes records to a file: JSONL, JSON, CSV or Parquet by its ending, whole or not at all."""

import csv
import gzip
import io
import json
import os
import tempfile
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from ftrecipe.errors import ConfigError, DataError, listed

Record = dict[str, Any]


def kind_of(path: Path) -> str:
    """Return the ending that says how `path` is written. Raises ConfigError for another one."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    kind = suffixes[-1] if suffixes else ""
    if kind not in _WRITERS or (kind == ".parquet" and path.suffix.lower() == ".gz"):
        known = listed(sorted(_WRITERS))
        raise ConfigError(f"--out {path}: cannot write that (known: {known}; text also as .gz)")
    return kind


def write(path: Path, columns: list[str], records: Iterable[Record]) -> None:
    """Write the records to `path`, replacing it only when all are written.

    `columns` are those of tables; a value of theirs that is nested is JSON text in a CSV cell.
    Raises DataError for records that a table cannot hold, and for a place where no file can be.
    """
    try:
        with _replaced(path) as file:
            _WRITERS[kind_of(path)](file, columns, records)
    except OSError as error:
        raise DataError(f"--out {path}: cannot be written: {error.strerror or error}") from None


@contextmanager
def _replaced(path: Path) -> Generator[IO[bytes]]:
    """Open a file beside `path` that takes its place at the end, and is gone after an error."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as plain:
            if path.suffix.lower() == ".gz":
                with gzip.GzipFile("", "wb", fileobj=plain, mtime=0) as packed:
                    yield packed  # pyright: ignore[reportReturnType]
            else:
                yield plain
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _line(record: Record) -> bytes:
    # Half of a surrogate pair, which JSON can write and UTF-8 cannot, is written as its escape.
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _jsonl(file: IO[bytes], columns: list[str], records: Iterable[Record]) -> None:
    for record in records:
        file.write(_line(record) + b"\n")


def _json(file: IO[bytes], columns: list[str], records: Iterable[Record]) -> None:
    before = b"[\n"
    for record in records:
        file.write(before + b"  " + _line(record))
        before = b",\n"
    file.write(b"\n]\n" if before == b",\n" else b"[]\n")


def _csv(
    file: IO[bytes], columns: list[str], records: Iterable[Record], delimiter: str = ","
) -> None:
    text = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="")
    table = csv.writer(text, delimiter=delimiter)
    table.writerow(columns)
    for record in records:
        table.writerow([_cell(record.get(column)) for column in columns])
    text.flush()
    text.detach()


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _txt(file: IO[bytes], columns: list[str], records: Iterable[Record]) -> None:
    for number, record in enumerate(records):
        text = record["text"].strip("\n")
        file.write((b"\n" if number else b"") + text.encode("utf-8", "backslashreplace") + b"\n")


def _parquet(file: IO[bytes], columns: list[str], records: Iterable[Record]) -> None:
    import pyarrow
    import pyarrow.parquet

    rows = [_arrow(record, columns) for record in records]
    for column in columns:
        if {type(row[column]) for row in rows} >= {str, list}:  # one answer, or several
            for row in rows:
                row[column] = [row[column]] if isinstance(row[column], str) else row[column]
    try:
        table = pyarrow.Table.from_pylist(rows)
        pyarrow.parquet.write_table(table, file)
    except (pyarrow.ArrowException, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"a table cannot hold these rows ({reason}); write .jsonl") from None


def _arrow(record: Record, columns: list[str]) -> Record:
    """Return a record with every column; what has no fixed shape in it is JSON text."""
    row = {column: record.get(column) for column in columns}
    if isinstance(row.get("tools"), list):
        row["tools"] = json.dumps(row["tools"], ensure_ascii=False)
    return row


_WRITERS: dict[str, Callable[[IO[bytes], list[str], Iterable[Record]], None]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".tsv": partial(_csv, delimiter="\t"),
    ".parquet": _parquet,
    ".txt": _txt,
}
