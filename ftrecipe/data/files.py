"""Reads the rows of data files of every kind, one at a time, each with its place."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from ftrecipe.data.columns import kind
from ftrecipe.data.encoding import bad_byte, open_text, refuse_bad_bytes
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.tables import Row, read_csv, read_lines, read_parquet
from ftrecipe.errors import DataError, listed

_WRAPPERS = ("data", "rows", "examples", "records", "items", "train")


def read_jsonl(path: Path, name: str) -> Iterator[Row]:
    """Yield one object a line; blank lines are skipped."""
    with open_text(path) as file:
        empty = True
        for number, line in read_lines(file):
            empty = False
            yield Where(name, "line", number), _parsed(line)
    if empty:
        raise DataError(f"{name} is empty")


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


def read_json(path: Path, name: str) -> Iterator[Row]:
    """Yield the rows of an array, of `{"data": [...]}`, or of JSON Lines under this ending."""
    with open_text(path) as file:
        text = file.read()
    if not text.strip():
        raise DataError(f"{name} is empty")
    if bad := bad_byte(text):
        line = text.count("\n", 0, bad[0]) + 1
        raise DataError(f"{name} line {line}: not UTF-8 text (byte 0x{bad[1]:02x})")
    try:
        rows = _unwrapped(json.loads(text))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip().startswith("{"):
            yield from read_jsonl(path, name)
            return
        raise DataError(f"{name} line {error.lineno}: broken JSON: {error.msg}") from None
    except RecursionError:
        raise DataError(f"{name}: broken JSON: nested too deeply") from None
    if not rows:
        raise DataError(f"{name} is empty")
    for number, value in enumerate(rows, 1):
        fault = RowFault(f"is {kind(value)}, not an object")
        yield Where(name, "row", number), value if isinstance(value, dict) else fault


def _unwrapped(value: Any) -> list[Any]:
    if isinstance(value, dict):
        lists = [value[key] for key in _WRAPPERS if isinstance(value.get(key), list)]
        return lists[0] if len(lists) == 1 else [value]
    return value if isinstance(value, list) else [value]


def read_text(path: Path, name: str) -> Iterator[Row]:
    """Yield `{"text": …}` for each block between blank lines; without any, for each line."""
    with open_text(path) as file:
        blocks = _has_blocks(file)
        file.seek(0)
        lines: list[str] = []
        start = 1
        found = False
        for number, line in enumerate(chain(file, ["\n"]), 1):
            if lines and not (blocks and line.strip()):
                found = True
                yield Where(name, "line", start), _document("".join(lines))
                lines = []
            if line.strip():
                start = start if lines else number
                lines.append(line)
    if not found:
        raise DataError(f"{name} is empty")


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


READERS: dict[str, Callable[[Path, str], Iterator[Row]]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".txt": read_text,
}


def ending(path: Path) -> str:
    """Return the ending that says how the file is read, .gz apart."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return suffixes[-1] if suffixes else ""


def data_files(folder: Path) -> list[Path]:
    """Return the data files in a folder, sorted; .txt files only where there is nothing else."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    visible = [path for path in files if not path.name.startswith(".")]
    known = [path for path in visible if ending(path) in READERS]
    if not known:
        raise DataError(f"{folder} holds no data files ({listed(sorted(READERS))})")
    return [path for path in known if ending(path) != ".txt"] or known


def read_file(path: Path, name: str) -> Iterator[Row]:
    """Yield place and record, or place and fault, of each row. Raises DataError for the file."""
    if ending(path) not in READERS:
        known = listed(sorted(READERS))
        raise DataError(f"{name}: cannot read {ending(path) or 'a file without an ending'}"
                        f" (known: {known}, each also .gz)")  # fmt: skip
    try:
        yield from READERS[ending(path)](path, name)
    except UnicodeError as error:
        raise DataError(f"{name} is not the text that its first bytes say: {error}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name} is not a whole gzip file: {error}") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}") from None


def read_path(path: Path) -> Iterator[Row]:
    """Yield the rows of a file, or of all data files of a folder."""
    if path.is_file():
        yield from read_file(path, path.name)
        return
    for file in data_files(path):
        yield from read_file(file, file.relative_to(path).as_posix())
