"""Turns the rows of one data source into examples, keeping count of what was wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from ftrecipe.data.example import ColumnFault, Example, OnFaulty, OnOverlong, RowFault, Where
from ftrecipe.data.files import read_path
from ftrecipe.data.locate import HubId, locate
from ftrecipe.data.split import Split
from ftrecipe.data.tables import Row
from ftrecipe.errors import DataError

_SHOWN = 20


class Source(Protocol):
    """What the data layer needs to know of a dataset option."""

    path: str | None
    validation_path: str | None
    test_path: str | None
    split: Split
    max_samples: int | None
    streaming: bool
    on_overlong: OnOverlong
    on_faulty: OnFaulty
    subset: str | None
    hub_split: str
    revision: str | None

    def name(self) -> str:
        """Return the name of the format."""
        ...

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        """Return the examples that one record holds. Raises RowFault."""
        ...


@dataclass
class Reading:
    """What was read of one path: how many rows, how many bad ones, and why."""

    path: str
    rows: int = 0
    faulty: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    def fault(self, where: Where, fault: RowFault) -> None:
        """Count one bad row; the first of each missing column and the first 20 others are kept."""
        self.faulty += 1
        self.reasons[str(fault)] += 1
        once = isinstance(fault, ColumnFault) and self.reasons[str(fault)] > 1
        if not once and len(self.shown) < _SHOWN:
            self.shown.append(f"{where}: {fault}")


def refuse_faults(readings: Iterable[Reading]) -> None:
    """Raise one DataError that tells of all bad rows, if there are any."""
    bad = [reading for reading in readings if reading.faulty]
    if not bad:
        return
    lines = [line for reading in bad for line in reading.shown]
    total = sum(reading.faulty for reading in bad)
    if total > len(lines[:_SHOWN]):
        lines[_SHOWN:] = []
        lines.append(f"{total:,} rows cannot be used in all; add dataset.on_faulty=drop to leave"
                     " them out")  # fmt: skip
    raise DataError(lines)


def read_examples(source: Source, reading: Reading) -> Iterator[Example]:
    """Yield the examples of `reading.path`, at most `max_samples` rows of it."""
    for where, record in _rows(source, reading.path):
        if source.max_samples is not None and reading.rows >= source.max_samples:
            return
        reading.rows += 1
        try:
            if isinstance(record, RowFault):
                raise record
            yield from source.examples(record, where)
        except RowFault as fault:
            reading.fault(where, fault)


def _rows(source: Source, path: str) -> Iterator[Row]:
    found = locate(path)
    if isinstance(found, HubId):
        yield from _hub_rows(source, found.name)
    else:
        yield from read_path(found)


def _hub_rows(source: Source, name: str) -> Iterator[Row]:
    from datasets import load_dataset

    try:
        rows = load_dataset(name, name=source.subset, split=source.hub_split,
                            streaming=source.streaming, revision=source.revision)  # fmt: skip
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{name}: not a file here, and not read from the hub: {reason}") from error
    for number, record in enumerate(rows, 1):
        yield Where(name, "row", number), dict(record)  # pyright: ignore[reportArgumentType, reportCallIssue]
