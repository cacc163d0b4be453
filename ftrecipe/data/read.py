"""Turns the rows of one data source into examples, keeping count of what was wrong."""

import datetime
import gzip
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ftrecipe.data.cleaning import Cleaning, Quarantine, Step
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import (
    ColumnFault,
    EmptyFault,
    Example,
    OnOverlong,
    RowFault,
    Unwanted,
    Where,
)
from ftrecipe.data.files import DataFile, data_files
from ftrecipe.data.locate import HubId, locate
from ftrecipe.data.split import Split, grouped
from ftrecipe.errors import DataError, listed

_SHOWN = 20
_TOKENIZED = ("input_ids", "labels", "attention_mask", "token_type_ids")

Record = dict[str, Any]
Row = tuple[Where, Any]  # what a format reads: a record, an Entry, or the RowFault of a bad row


class Source(Protocol):
    """What the data layer needs to know of a dataset option."""

    path: str | None
    validation_path: str | None
    test_path: str | None
    split: Split
    max_samples: int | None
    max_malformed: int
    streaming: bool
    subset: str | None
    hub_split: str
    revision: str | None
    encoding: str | None

    def name(self) -> str:
        """Return the name of the format."""
        ...

    def produces(self) -> str:
        """Return what the rows become with these settings: chat, text, completion …"""
        ...

    def parts(self, steps: Sequence[Step]) -> "Sequence[tuple[Source, Sequence[Step]]]":
        """Return the sources that it is made of, each with its cleaning: itself, or a mix's."""
        ...

    def interleaved(self, streams: list[Iterator[Example]], seed: int) -> Iterator[Example]:
        """Yield the examples of all parts in the order, and as often, as they are learned."""
        ...

    def overlong(self) -> OnOverlong:
        """Return what is done with rows that are too long."""
        ...

    def endings(self) -> Sequence[str]:
        """Return the endings of the files that are read in a folder or an archive."""
        ...

    def rows(self, files: list[DataFile], reading: "Reading") -> Iterator[Row]:
        """Yield the rows of the files, each with its place, or the fault of a bad one."""
        ...

    def gathered(
        self, rows: Iterable[Row], reading: "Reading", cleaning: Cleaning
    ) -> Iterable[Example]:
        """Yield the clean examples that the rows become; bad rows are told to `reading`."""
        ...

    def examples(self, record: Record, where: Where) -> list[Example]:
        """Return the examples that one record holds. Raises RowFault."""
        ...


@dataclass
class ChatCount:
    """What a chat export holds."""

    messages: int = 0  # all but notices of the app
    system_entries: int = 0
    media: int = 0
    deleted: int = 0
    edited: int = 0
    senders: Counter[str] = field(default_factory=Counter)
    first: datetime.datetime | None = None
    last: datetime.datetime | None = None

    def add(self, entry: Entry) -> None:
        """Count one entry."""
        time, kind = entry.time, entry.kind
        if kind is Kind.system:
            self.system_entries += 1
            return
        self.messages += 1
        if entry.media or kind is not Kind.message:
            self.media += entry.media or kind is Kind.media
            self.deleted += kind is Kind.deleted
        if entry.edited:
            self.edited += 1
        if entry.sender is not None:
            self.senders[entry.sender] += 1
        if time is None:
            return
        if self.first is None or self.last is None:
            self.first = self.last = time
        elif (time.tzinfo is None) == (self.first.tzinfo is None):
            if time > self.last:
                self.last = time
            elif time < self.first:
                self.first = time

    def rename(self, shown: Callable[[str], str]) -> None:
        """Call the senders what cleaning calls them; those of one name are told apart."""
        names = self.senders.items()
        self.senders = Counter[str]()
        for name, count in names:
            new, more = shown(name), 2
            while new in self.senders:
                new, more = f"{shown(name)} ({more})", more + 1
            self.senders[new] = count

    def report(self) -> dict[str, Any]:
        """Return the counts as report.json has them."""
        return {
            "messages": self.messages,
            "senders": len(self.senders),
            "messages_per_sender": dict(self.senders.most_common()),
            "system_entries": self.system_entries,
            "media": self.media,
            "deleted": self.deleted,
            "edited": self.edited,
            "first_message": self.first.isoformat() if self.first else None,
            "last_message": self.last.isoformat() if self.last else None,
        }


@dataclass
class Reading:
    """What was read of one path: how many rows, how many bad ones, and why.

    rows: every row, malformed ones included. malformed: rows that cannot be used at all.
    used: rows that became examples, before those were cleaned; the rest was dropped by a step.
    """

    path: str
    format: str = ""
    rows: int = 0
    malformed: int = 0
    used: int = 0
    left: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    files: int = 0
    encodings: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)
    first: dict[str, Any] | None = None
    chat: ChatCount | None = None
    notes: list[str] = field(default_factory=list)  # what was unusual, and is no fault
    quarantine: Quarantine | None = None

    def fault(self, where: Where, fault: RowFault, content: object = None) -> None:
        """Count one bad row; the first of each missing column and the first 20 others are kept."""
        self.malformed += 1
        why = str(fault) if self.quarantine is None else self.quarantine.hide(str(fault))
        self.reasons[why] += 1
        if self.first is None:
            self.first = {"file": where.file, where.unit: where.number, "reason": why}
        once = isinstance(fault, ColumnFault) and self.reasons[why] > 1
        if not once and len(self.shown) < _SHOWN:
            self.shown.append(f"{where}: {why}")
        if self.quarantine is not None:
            self.quarantine.add(where, "malformed", why, content)

    def leave(self, where: Where, rule: str, why: str, rows: int, content: object) -> None:
        """Note rows that no cleaning step dropped, and that no example was made of."""
        self.left[rule] += rows
        if self.quarantine is not None:
            self.quarantine.add(where, rule, why, content)

    def note(self, text: str) -> None:
        """Keep a remark on the source for the report, once."""
        if text not in self.notes:
            self.notes.append(text)

    def report(self) -> dict[str, Any]:
        """Return this source's part of report.json."""
        return {
            "path": self.path,
            "format": self.format,
            "encoding": ", ".join(sorted(self.encodings)) or None,
            "files": self.files,
            "bytes": self.bytes,
            "rows_read": self.rows,
            "rows_used": self.used,
            "rows_malformed": self.malformed,
            "first_malformed": self.first,
            "malformed_reasons": dict(self.reasons.most_common(_SHOWN)),
            "notes": self.notes,
            **(self.chat.report() if self.chat else {}),
        }


def malformed_faults(readings: Iterable[Reading], allowed: int) -> list[str]:
    """Return the lines that tell of the bad rows, if there are more than `allowed`."""
    bad = [reading for reading in readings if reading.malformed]
    total = sum(reading.malformed for reading in bad)
    if total <= allowed:
        return []
    lines = [line for reading in bad for line in reading.shown][:_SHOWN]
    rows = "1 malformed row" if total == 1 else f"{total:,} malformed rows"
    return [*lines, f"{rows}; mend them, or leave them out with dataset.max_malformed={total}"]


def refuse_faults(readings: Iterable[Reading], allowed: int) -> None:
    """Raise one DataError that tells of the bad rows, if there are more than `allowed`."""
    if lines := malformed_faults(readings, allowed):
        raise DataError(lines)


def read_examples(source: Source, reading: Reading, cleaning: Cleaning) -> Iterator[Example]:
    """Yield the clean examples of `reading.path`, at most `max_samples` rows of it.

    Raises DataError for a file that cannot be read at all.
    """
    reading.format = source.name()
    rows = _counted(_rows(source, reading), reading, source.max_samples)
    yield from source.gathered(rows, reading, cleaning)


def _counted(rows: Iterable[Row], reading: Reading, most: int | None) -> Iterator[Row]:
    for row in rows:
        if most is not None and reading.rows >= most:
            return
        reading.rows += 1
        yield row


def _rows(source: Source, reading: Reading) -> Iterator[Row]:
    found = locate(reading.path)
    if isinstance(found, HubId):
        yield from _hub_rows(source, found.name)
        return
    with told(reading.path):
        files = data_files(found, source.endings(), source.encoding)
        reading.files = len(files)
        reading.bytes = sum(file.size for file in files)
        try:
            yield from source.rows(files, reading)
        finally:  # also when no more rows are wanted
            for note in [note for file in files for note in file.notes]:
                reading.note(note)


def examples_of_records(
    source: Source, rows: Iterable[Row], reading: Reading, cleaning: Cleaning
) -> Iterator[Example]:
    """Yield what each record holds, before cleaning; bad records are told to `reading`."""
    remarks: Counter[str] = Counter()
    for where, record in rows:
        if isinstance(record, RowFault):
            reading.fault(where, record)
            continue
        record = _without_tokens(record, reading)
        try:
            found = [grouped(one, record, source.split) for one in source.examples(record, where)]
        except Unwanted as fault:
            reading.leave(where, "unwanted", str(fault), 1, record)
            continue
        except EmptyFault as fault:
            if not cleaning.takes_empty(where, fault, record):
                reading.fault(where, fault, record)
            continue
        except RowFault as fault:
            reading.fault(where, fault, record)
            continue
        reading.used += 1
        remarks.update({note for example in found for note in example.notes})
        yield from found
    for text, count in remarks.items():
        reading.note(f"{text} ({count:,} rows)")


def _without_tokens(record: Any, reading: Reading) -> Any:
    """Return the record without the columns that another tokenizer left, and say so."""
    left = [key for key in _TOKENIZED if _numbers(record.get(key))]
    if not left:
        return record
    reading.note(f"columns that another tokenizer left are not used: {listed(left)}")
    return {key: value for key, value in record.items() if key not in left}


def _numbers(value: object) -> bool:
    return isinstance(value, list) and all(type(number) is int for number in value)


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a DataError that names it."""
    try:
        yield
    except UnicodeError as error:
        raise DataError(f"{name} is not the text that its first bytes say: {error}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{name} is not a whole packed file: {error}") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}") from None


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
