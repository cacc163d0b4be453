"""Reads the rows of files of records, whatever their ending, one at a time, each with its place."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from ftrecipe.data.columns import kind
from ftrecipe.data.encoding import bad_byte, refuse_bad_bytes
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.tables import Row, read_csv, read_lines, read_parquet
from ftrecipe.errors import DataError, listed

_WRAPPERS = ("data", "rows", "examples", "records", "items", "train")


def read_jsonl(source: DataFile) -> Iterator[Row]:
    """Yield one object a line; blank lines are skipped."""
    with source.text() as file:
        empty = True
        for number, line in read_lines(file):
            empty = False
            yield Where(source.name, "line", number), _parsed(line)
    if empty:
        raise DataError(f"{source.name} is empty")


def _parsed(line: str) -> dict[str, Any] | RowFault:
    try:
        refuse_bad_bytes(line)
        return _object(json.loads(line))
    except json.JSONDecodeError as error:
        return RowFault(f"broken JSON: {error.msg} (column {error.colno})")
    except RecursionError:
        return RowFault("broken JSON: nested too deeply")
    except RowFault as fault:
        return fault


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RowFault(f"is {kind(value)}, not an object")
    return value


def read_json(source: DataFile) -> Iterator[Row]:
    """Yield the rows of an array, of `{"data": [...]}`, or of JSON Lines under this ending."""
    with source.text() as file:
        text = file.read()
    if not text.strip():
        raise DataError(f"{source.name} is empty")
    if bad := bad_byte(text):
        line = text.count("\n", 0, bad[0]) + 1
        raise DataError(f"{source.name} line {line}: not UTF-8 text (byte 0x{bad[1]:02x})")
    try:
        rows = _unwrapped(json.loads(text))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            yield from read_jsonl(source)
            return
        raise DataError(f"{source.name} line {error.lineno}: broken JSON: {error.msg}") from None
    except RecursionError:
        raise DataError(f"{source.name}: broken JSON: nested too deeply") from None
    if not rows:
        raise DataError(f"{source.name} is empty")
    for number, value in enumerate(rows, 1):
        fault = RowFault(f"is {kind(value)}, not an object")
        yield Where(source.name, "row", number), value if isinstance(value, dict) else fault


def _unwrapped(value: Any) -> list[Any]:
    if isinstance(value, dict):
        lists = [value[key] for key in _WRAPPERS if isinstance(value.get(key), list)]
        return lists[0] if len(lists) == 1 else [value]
    return value if isinstance(value, list) else [value]


def read_text(source: DataFile) -> Iterator[Row]:
    """Yield `{"text": …}` for each block between blank lines; without any, for each line."""
    with source.text() as file:
        blocks = _has_blocks(file)
        file.seek(0)
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
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".txt": read_text,
}


ENDINGS = tuple(READERS)


def read_file(source: DataFile) -> Iterator[Row]:
    """Yield place and record, or place and fault, of each row. Raises DataError for the file."""
    if source.ending not in READERS:
        known = listed(sorted(READERS))
        raise DataError(f"{source.name}: cannot read {source.ending or 'a file without an ending'}"
                        f" (known: {known}, each also packed: .gz, .zst, .zip)")  # fmt: skip
    yield from READERS[source.ending](source)
