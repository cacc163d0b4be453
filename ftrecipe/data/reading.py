"""Counts what is read of one source: rows, bad ones and why, and what a chat holds."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ftrecipe.amounts import many
from ftrecipe.data.cleaning import Quarantine
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import (
    ColumnFault,
    RowFault,
    Where,
)
from ftrecipe.errors import DataError

_SHOWN = 20  # bad rows that are told by name


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
    columnless: malformed ones without a column that is needed.
    used: rows that became examples, before those were cleaned; the rest was dropped by a step.
    """

    path: str
    format: str = ""
    rows: int = 0
    malformed: int = 0
    used: int = 0
    columnless: int = 0
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
        self.columnless += isinstance(fault, ColumnFault)
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

    @property
    def only_a_column(self) -> bool:
        """Whether all rows are bad, and for one column that is not there."""
        return self.malformed == self.rows == self.columnless and len(self.reasons) == 1

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
    lines = [line for reading in bad for line in _told(reading)][:_SHOWN]
    if all(reading.malformed == reading.rows for reading in bad):
        if any(not reading.only_a_column for reading in bad):
            rows = "its only row is" if total == 1 else f"all {total:,} rows are"
            lines.append(f"{rows} malformed; is this the right format?")
        return lines
    return [
        *lines,
        f"{many(total, 'malformed row')}; mend them, or leave them out with "
        f"dataset.max_malformed={total}",
    ]


def _told(reading: Reading) -> list[str]:
    """Return the bad rows of a source; a column that all rows lack is told once, of the file."""
    if not reading.only_a_column:
        return reading.shown
    rows = "its only row" if reading.rows == 1 else f"all {reading.rows:,} rows"
    return [f"{reading.path}: {next(iter(reading.reasons))} ({rows})"]


def refuse_faults(readings: Iterable[Reading], allowed: int) -> None:
    """Raise one DataError that tells of the bad rows, if there are more than `allowed`."""
    if lines := malformed_faults(readings, allowed):
        raise DataError(lines)
