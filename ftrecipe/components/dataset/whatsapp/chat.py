"""Reads one exported WhatsApp chat into entries."""

import datetime
import operator
from collections.abc import Iterator
from itertools import accumulate, count, repeat

from ftrecipe.components.dataset.whatsapp.dates import read
from ftrecipe.components.dataset.whatsapp.headers import AnyKey, Piece, pieces
from ftrecipe.components.dataset.whatsapp.members import Members
from ftrecipe.components.dataset.whatsapp.phrases import (
    FIRSTS,
    LASTS,
    MARK,
    START,
    Phrases,
    phrases,
    trimmed,
)
from ftrecipe.components.dataset.whatsapp.survey import (
    Clocks,
    Possible,
    Survey,
    as_key,
    dialect,
    opened,
    sifted,
)
from ftrecipe.data.entries import Entry, Kind
from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import refuse_bad_bytes

Found = tuple[Where, Entry | RowFault]


class _Days(dict[AnyKey, datetime.date]):
    """The days that the dates of headers name, each read once."""

    def __init__(self, survey: Survey) -> None:
        super().__init__()
        self._orders = survey.orders

    def __missing__(self, key: AnyKey) -> datetime.date:
        whole = as_key(key)
        day = read(whole.date, self._orders[dialect(whole)])
        assert day is not None, f"{whole} was surveyed and has no day"
        self[key] = day
        return day


class Chat:
    """One file, surveyed, and where its reading stands."""

    def __init__(self, file: DataFile, survey: Survey) -> None:
        self.name, self._file, self._survey = file.name, file, survey
        self._phrases: Phrases = phrases()
        self._members: Members = survey.members
        self._days, self._clocks = _Days(survey), Clocks()
        self._possible = Possible(survey.refused)
        self._group: str | None = None  # its name, where the app has shown it
        self._line = 1  # where the next header is

    def entries(self) -> Iterator[Found]:
        """Yield all entries with their places, and what stands before the first as faults."""
        last: Piece | None = None  # the last header so far, and all that follows it
        following: list[str] = []
        for piece in self._pieces():
            if last is None:
                yield from self._before(piece.before)
            else:
                following.append(piece.before)
            if not piece.keys:
                continue
            if last is not None:
                last.bodies[0] += "".join(following)
                piece = _joined(last, piece)
            last, following = _split_last(piece), []
            yield from self._said(piece)
        if last is not None:
            last.bodies[0] += "".join(following)
            yield from self._said(last)

    def _pieces(self) -> Iterator[Piece]:
        """Yield the pieces without what only looks like headers."""
        if (kept := self._survey.kept) is not None:
            self._survey.kept = None
            kept.reverse()
            while kept:
                yield kept.pop()
            return
        with opened(self._file, self._survey.torn) as text:
            for piece in pieces(text, self._survey.plain, self._survey.bare):
                yield sifted(piece, self._clocks, self._possible)

    def _before(self, text: str) -> Iterator[Found]:
        for line in text.split("\n")[1:]:
            where = Where(self.name, "line", self._line)
            self._line += 1
            if trimmed(line):
                yield (
                    where,
                    RowFault("it stands before the first message: a line without date and time"),
                )

    def _said(self, piece: Piece) -> Iterator[Found]:
        """Yield the entries of a piece. This is the loop that costs."""
        senders = {} if self._survey.torn else self._members.whole
        name, new, message, starts = self.name, tuple.__new__, Kind.message, self._phrases.starts
        for where, time, body in zip(self._wheres(piece.bodies), self._times(piece), piece.bodies,
                                     strict=True):  # fmt: skip
            first, colon, text = body.partition(": ")
            sender = senders.get(first) if colon else None
            if (
                sender is None
                or (text := text.strip())[:START].casefold() in starts
                or text[-1:] in LASTS
                or ("\n" in text and _has_placeholder_line(text))
                or "://" in text
                or not (text.isascii() or (MARK not in text and text[0] not in FIRSTS))
            ):
                yield where, self._careful(where, time, body)
            else:
                yield where, new(Entry, (where, time, sender, text, message, False, name, False))

    def _wheres(self, bodies: list[str]) -> Iterator[Where]:
        """Yield the place of each header; text with as many line ends follows it."""
        ends = list(accumulate(map(str.count, bodies, repeat("\n")), initial=0))
        lines = map(operator.add, count(self._line), ends)
        self._line += len(bodies) + ends[-1]
        rows = zip(repeat(self.name, len(bodies)), repeat("line"), lines, repeat(""))
        return map(tuple.__new__, repeat(Where), rows)  # what Where._make does, quicker

    def _times(self, piece: Piece) -> Iterator[datetime.datetime]:
        days = map(self._days.__getitem__, piece.keys)
        return map(datetime.datetime.combine, days, map(self._clocks.__getitem__, piece.clocks))  # pyright: ignore[reportArgumentType]

    def _careful(self, where: Where, time: datetime.datetime, body: str) -> Entry | RowFault:
        """Return the entry of a body that is not just a known name and words."""
        if self._survey.torn:
            try:
                refuse_bad_bytes(body)
            except RowFault as fault:
                return fault
        sender, text = self._members.split(body)
        if sender is None:
            return Entry(where, time, None, trimmed(text), Kind.system, chat=self.name)
        said = self._phrases.said(text)
        if said.kind is Kind.message and not said.media and self._is_notice(text, sender):
            return Entry(where, time, None, trimmed(text), Kind.system, chat=self.name)
        return Entry(where, time, sender, said.text, said.kind, said.edited, self.name, said.media)

    def _is_notice(self, text: str, sender: str) -> bool:
        """Say whether the app wrote it: in known words, or under a name that is only its own.

        What it says about encryption stands under the group's name, and no other name is the app's.
        """
        if self._phrases.is_notice(text, sender):
            if self._phrases.secures(text):
                self._group = self._group or sender
            return True
        alone = sender in self._members.groups and self._group in (None, sender)
        return alone and text.lstrip().startswith(MARK) and "\n" not in text.strip()


def _has_placeholder_line(text: str) -> bool:
    """Say whether a line before the last ends as placeholders of media do, or in a space."""
    return ")\n" in text or ">\n" in text or "）\n" in text or " \n" in text


def _split_last(piece: Piece) -> Piece:
    """Take the last header off a piece, and return it as a piece of its own."""
    return Piece("", [piece.keys.pop()], [piece.clocks.pop()], [piece.bodies.pop()])


def _joined(one: Piece, other: Piece) -> Piece:
    return Piece(one.before, one.keys + other.keys, one.clocks + other.clocks,
                 one.bodies + other.bodies)  # fmt: skip
