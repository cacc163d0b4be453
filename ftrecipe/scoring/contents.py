"""Reads a file of answers or references into items with their places, whatever its shape."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from ftrecipe.data.columns import column_of
from ftrecipe.data.example import RowFault
from ftrecipe.data.files import DataFile, data_files
from ftrecipe.data.files.encoding import refuse_bad_bytes
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.data.read import told
from ftrecipe.data.records import ENDINGS, READERS, read_file
from ftrecipe.data.records.json_stream import wraps
from ftrecipe.errors import DataError, listed
from ftrecipe.results import MODELS

IDS = ("id", "qid", "question_id", "example_id", "_id", "uid", "custom_id")
MOST = 20  # faults of a file that are told
_JSON = (".json", "")
_TABLES = frozenset(READERS) - {".txt"}


class Item(NamedTuple):
    """One row, line or entry of a file: its place, its id where it has one, and what it holds."""

    where: str
    id: str | None
    value: Any


@dataclass(frozen=True)
class Contents:
    """The items of a file, in its order. `rows`: they are records; else values or lines."""

    name: str
    items: list[Item]
    rows: bool

    @property
    def first(self) -> Mapping[str, Any]:
        """The first record, by which a file of records is known."""
        return self.items[0].value if self.rows else {}


def contents(name: str) -> Contents:
    """Return what a file holds. Raises DataError with every faulty line, up to MOST of them."""
    found = locate(name)
    if isinstance(found, HubId):
        raise DataError(f"{name}: there is no such file")
    with told(name):
        files = data_files(found, ENDINGS)
        if len(files) != 1:
            results = [file.name for file in files if file.name.startswith("eval/")]
            named = listed(results or [file.name for file in files], 6)
            raise DataError(f"{name} holds {len(files)} files; name one of them: {named}")
        return _whole(files[0], name) or _lines(files[0], name) or _rows(files[0], name)


def _whole(file: DataFile, name: str) -> Contents | None:
    """Return the entries of a JSON object `{id: value}`; None where the file is none."""
    if file.ending not in _JSON or file.kind != "text":
        return None
    with file.text() as opened:
        text = opened.read().lstrip("\ufeff")
    if not text.lstrip().startswith("{") or wraps(text):
        return None
    try:
        value = json.loads(text, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return None  # JSON Lines, or broken: the reader of records says where
    if column_of(value, IDS) or MODELS in value:
        return None
    if value.twice is not None:
        raise DataError(f"{name}: the id {value.twice} is there twice")
    items = [Item(f"{file.name} {key}", key, one) for key, one in value.items()]
    return Contents(name, _some(items, name), rows=False)


class _Object(dict[str, Any]):
    """A JSON object that remembers a key that it had `twice`."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        keys = [key for key, _ in pairs] if len(self) < len(pairs) else []
        self.twice = next((key for key in keys if keys.count(key) > 1), None)


def _lines(file: DataFile, name: str) -> Contents | None:
    """Return the lines of plain text, empty ones too; None for a file of records.

    In a .txt file each line is an answer, even where it is JSON: that may be what was asked for.
    """
    if file.kind != "text" or file.ending in _TABLES:
        return None
    with file.text() as opened:
        lines = opened.read().removeprefix("\ufeff").split("\n")
    if file.ending != ".txt" and _is_record(lines[0]):
        return None
    if lines[-1] == "":
        del lines[-1]
    items = [
        Item(f"{file.name} line {at}", None, line.removesuffix("\r"))
        for at, line in enumerate(lines, 1)
    ]
    faults: list[str] = []
    for item in items:
        try:
            refuse_bad_bytes(item.value)
        except RowFault as fault:
            faults.append(f"{item.where}: {fault}")
    refuse(faults)
    return Contents(name, _some(items, name), rows=False)


def _is_record(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _rows(file: DataFile, name: str) -> Contents:
    """Return the records of a file, and the questions of SQuAD's articles, as items."""
    records, faults = [], []
    for where, record in read_file(file):
        if isinstance(record, RowFault):
            faults.append(f"{where}: {record}")
        else:
            records.append((str(where), record))
    refuse(faults)
    items = list(chain.from_iterable(_of_record(where, record) for where, record in records))
    lacking = [item for item in items if item.id is None]
    if len(lacking) < len(items):
        refuse(f"{item.where}: has no id, and other rows have one" for item in lacking)
    return Contents(name, _some(items, name), rows=True)


def _of_record(where: str, record: dict[str, Any]) -> Iterator[Item]:
    """Yield the record, or the questions of one of SQuAD's articles."""
    if not isinstance(record.get("paragraphs"), list):
        column = column_of(record, IDS)
        cell = record[column] if column else None
        yield Item(where, None if cell is None else str(cell), record)
        return
    for paragraph in record["paragraphs"]:
        asked = paragraph.get("qas") if isinstance(paragraph, dict) else None
        if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
            raise DataError(f"{where}: a paragraph without a list of questions (qas)")
        for one in asked:
            known = str(one["id"]) if "id" in one else None
            answers = [] if one.get("is_impossible") is True else one.get("answers", [])
            yield Item(f"{where}, question {known}", known, one | {"answers": answers})


def _some(items: list[Item], name: str) -> list[Item]:
    if not items:
        raise DataError(f"{name} is empty")
    return items


def refuse(faults: Iterable[str]) -> None:
    """Raise DataError with the first MOST of the faults, if there are any."""
    told = list(faults)
    if len(told) > MOST:
        raise DataError([*told[:MOST], f"{told[0].partition(' ')[0]}: {len(told) - MOST:,} more"])
    if told:
        raise DataError(told)
