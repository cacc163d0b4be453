"""Looks at a file and says which format it is and why; refuses where none or several fit."""

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain, islice
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.data.example import RowFault
from ftrecipe.data.files import DataFile, data_files
from ftrecipe.data.files.urls import Url
from ftrecipe.data.read import LONGEST, told, too_long
from ftrecipe.data.records import ENDINGS, READERS, read_file, read_text, reader_of
from ftrecipe.errors import DataError, listed

_ROWS, _FILES, _HEAD = 20, 12, 1 << 16
_LARGEST_LIST, _LARGEST_EXPORT = 1 << 24, 1 << 29  # bytes of JSON that is read whole to know it


class Recognized(NamedTuple):
    """The format of a file, and the reason in a sentence."""

    name: str
    why: str


def recognize(path: Path | Url) -> Recognized:
    """Return the one format that `path` fits.

    Raises DataError, saying what the columns are and how to choose, where none or several fit.
    """
    with told(path.name):
        files = data_files(path, _endings())
        return _as_export(files, path) or _as_records(files, path)


def _endings() -> list[str]:
    """Return the endings of all files that some format reads."""
    own = chain.from_iterable(cls().endings() for cls in GROUP.classes.values())
    return sorted({*ENDINGS, *own})


def _as_export(files: list[DataFile], path: Path | Url) -> Recognized | None:
    """Return the app that wrote the files, by the first ones; None where it was none."""
    seen: Counter[str] = Counter()
    looked = files[:_FILES]
    for file in looked:
        fitting = _fitting_text(file) if file.ending != ".json" else _fitting_json(file)
        seen.update(fitting)
    if not seen:
        return None
    if len(seen) > 1:
        raise _several(path, sorted(seen))
    [(name, count)] = seen.items()
    where = f"{count} of {len(looked)} files" if len(looked) > 1 else "the file"
    return Recognized(name, f"{where} begins as {name} exports do" if where == "the file" else
                      f"{where} begin as {name} exports do")  # fmt: skip


def _fitting_text(file: DataFile) -> list[str]:
    if file.ending in READERS and file.ending != ".txt":
        return []
    with file.text() as opened:
        head = opened.read(_HEAD)
    return _named(lambda cls: cls.fits_text(head))


def _fitting_json(file: DataFile) -> list[str]:
    with file.text() as opened:
        first = opened.read(_HEAD).lstrip("\ufeff \t\r\n")[:1]
    if file.size > (_LARGEST_LIST if first == "[" else _LARGEST_EXPORT):
        return []
    with file.text() as opened:
        try:
            value = json.load(opened)
        except (ValueError, RecursionError):
            return []  # JSON Lines, or broken: the reader of records says what is wrong
    return _named(lambda cls: cls.fits_json(value))


def _as_records(files: list[DataFile], path: Path | Url) -> Recognized:
    readable = [file for file in files if file.ending in READERS] or files
    if all(reader_of(file) is read_text for file in readable):
        return Recognized("text", "a .txt file that no app exported")
    rows = chain.from_iterable(map(read_file, readable))
    first = list(islice(rows, _ROWS))
    records = [row for _, row in first if not isinstance(row, RowFault)]
    if not records:
        where, fault = first[0]
        raise DataError(f"{where}: {fault}; no row of {path.name} can be read")
    if all(_length(record) > LONGEST for record in records):
        raise DataError(f"{first[0][0]}: {too_long(_length(records[0]))}")
    fitting = _named(lambda cls: _mostly(cls, records))
    if len(fitting) == 1:
        return Recognized(fitting[0], _why(fitting[0], records))
    raise _several(path, fitting) if fitting else _none(path, records)


def _length(record: dict[str, Any]) -> int:
    """Return the characters of all texts that are columns."""
    return sum(len(value) for value in record.values() if isinstance(value, str))


def _named(fits: Callable[[type[Dataset]], bool]) -> list[str]:
    """Return the formats that fit, without the looser ones where a narrow one does."""
    fitting = sorted(name for name, cls in GROUP.classes.items() if fits(cls))
    return [name for name in fitting if GROUP.classes[name].narrow] or fitting


def _mostly(cls: type[Dataset], records: list[dict[str, Any]]) -> bool:
    """Say whether most records fit: a few may be faulty."""
    return sum(map(cls.fits, records)) * 2 > len(records)


def _why(name: str, records: list[dict[str, Any]]) -> str:
    cls = GROUP.classes[name]
    count = sum(map(cls.fits, records))
    columns = _columns(records[0])
    said = f"columns {listed(columns, 6)} have" if len(columns) > 1 else f"column {columns[0]} has"
    return f"{said} the shape of {name} in {count} of {len(records)} rows"


def _columns(record: dict[str, Any]) -> list[str]:
    return [str(key) for key in record]


def _several(path: Path | Url, names: Iterable[str]) -> DataError:
    return DataError(f"{path.name} fits {' and '.join(names)}; add dataset=<one of them> "
                     f"{quote(f'dataset.path={path}')}")  # fmt: skip


def _none(path: Path | Url, records: list[dict[str, Any]]) -> DataError:
    columns, texts = _columns(records[0]), _texts(records)
    known = listed(sorted(GROUP.classes.keys() - {"auto", "mix"}), 40)
    if len(texts) == 2:
        named = [f"dataset.columns.question={texts[0]}", f"dataset.columns.answer={texts[1]}"]
        words = ["dataset=question_answer", f"dataset.path={path}", *named]
        how = f"if one column asks and the other answers, write {shlex.join(words)}"
    else:
        how = (f"write dataset=<format> {quote(f'dataset.path={path}')} and, for every column of "
               f"another name, dataset.columns.<field>=<column> (formats: {known})")  # fmt: skip
    return DataError(f"{path.name} fits none of the formats (columns: {listed(columns)}); {how}")


def _texts(records: list[dict[str, Any]]) -> list[str]:
    """Return the columns that hold words in most rows."""
    counts = {key: sum(_is_words(record.get(key)) for record in records) for key in records[0]}
    return [str(key) for key, count in counts.items() if count * 2 > len(records)]


def _is_words(value: object) -> bool:
    return isinstance(value, str) and any(character.isalpha() for character in value)
