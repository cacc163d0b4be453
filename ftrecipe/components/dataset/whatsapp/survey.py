"""Goes through an export before it is read: its headers, the order of its dates, who writes."""

import datetime
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, TextIO

from ftrecipe.components.dataset.whatsapp.clocks import clock, is_marker
from ftrecipe.components.dataset.whatsapp.dates import (
    DateOrder,
    exists,
    find_order,
    orders,
    read,
)
from ftrecipe.components.dataset.whatsapp.headers import AnyKey, Key, Piece, merged, pieces
from ftrecipe.components.dataset.whatsapp.members import Members, NameCount
from ftrecipe.components.dataset.whatsapp.phrases import phrases
from ftrecipe.data.files import DataFile

# Nobody but a whole export is written like this: in another one it is a pasted message.
_ONLY_WHOLE = ("[t", "-t", ",", ":")
_EAST = (
    "上午",
    "下午",
    "午前",
    "午後",
    "오전",
    "오후",
    "de.",
    "du.",
    "凌晨",
    "早上",
    "中午",
    "晚上",
)
_ENGLISH = ("am", "pm")
_SHOWN = 80
_KEPT = 1 << 27  # characters of an export that are kept between its survey and its reading

Dialect = tuple[str, str, bool]  # style, separators of the date, whether the clock has 12 hours


def opened(file: DataFile, torn: bool = True) -> TextIO:
    """Open an export as text with usual line ends. torn: some bytes are of no character."""
    errors = "surrogateescape" if torn else "strict"
    return io.TextIOWrapper(file.open(), file.encoding, errors=errors, newline=None)


def as_key(key: AnyKey) -> Key:
    """Return the key of a usual header like that of any other."""
    style, date, marker = key
    return key if isinstance(key, Key) else Key(style or "-", date, marker or "")


def dialect(key: Key) -> Dialect:
    """Return the kind of header that a key is of."""
    separators = "".join(c for c in key.date if not (c.isalnum() or c.isspace() or c > "\u2000"))
    return key.style, separators[:2], bool(key.marker)


def is_possible(key: Key) -> bool:
    """Say whether a header has a day that exists, and words that belong to a clock."""
    known = is_marker(key.marker) or (key.style == "[" and len(key.marker) < 12)
    return key.style != "?" and known and exists(key.date)


class Clocks(dict[str, datetime.time | None]):
    """The times that texts say, each read once."""

    def __missing__(self, text: str) -> datetime.time | None:
        if len(self) > _MOST_CLOCKS:
            self.clear()
        self[text] = time = clock(text)
        return time


_MOST_CLOCKS = 100_000


@dataclass
class Survey:
    """What one export is like.

    orders: how the dates of each dialect are read. refused: keys that are no headers here.
    impossible: dates that do not exist in their order, so that their lines are text, with how many.
    plain: all headers are of the usual kind. bare: they end with the clock. first_line: for errors.
    torn: some of its bytes are of no character.
    kept: the whole export in pieces, so that it need not be cut again; None for a large one.
    """

    members: Members
    orders: dict[Dialect, DateOrder]
    refused: frozenset[Key]
    plain: bool
    bare: bool
    headers: int
    doubts: list[str]
    impossible: Counter[str]
    first_line: str
    torn: bool
    kept: list[Piece] | None


@dataclass
class _Count:
    """What is counted of the headers of an export."""

    keys: Counter[AnyKey] = field(default_factory=Counter)
    with_sender: set[Dialect] = field(default_factory=set)
    names: NameCount = field(default_factory=NameCount)
    first_line: str = ""
    kept: list[Piece] | None = field(default_factory=list)
    size: int = 0
    once: dict[object, Any] = field(default_factory=dict)  # one object for equal ones

    def keep(self, piece: Piece) -> None:
        """Keep a piece until they are too large to be kept; equal keys and clocks are shared."""
        self.size += len(piece.before) + sum(map(len, piece.bodies))
        if self.kept is None or self.size > _KEPT:
            self.kept = None
            return
        once = self.once.setdefault
        keys, clocks = piece.keys, piece.clocks
        self.kept.append(Piece(piece.before, list(map(once, keys, keys)),
                               list(map(once, clocks, clocks)), piece.bodies))  # fmt: skip


def survey(file: DataFile, order: DateOrder) -> Survey:
    """Look through a whole file. Memory grows with its days and names, not with its messages."""
    bare = False
    try:
        count, torn = _counted(file, torn=False), False
    except UnicodeDecodeError:
        count, torn = _counted(file, torn=True), True
    if not count.keys:
        other = _counted(file, torn, bare=True)
        bare = bool(other.keys)
        count = other if bare else count
    keys = {as_key(key): many for key, many in count.keys.items()}
    found = _orders(keys, order)
    wrong = [key for key in keys if read(key.date, found[dialect(key)][0]) is None]
    impossible: Counter[str] = Counter()
    for key in wrong:
        impossible[key.date] += keys[key]
    refused = _foreign(keys, count.with_sender).union(wrong)
    begun = _begun(file, set(count.names.suspects()), bare)
    return Survey(
        members=Members.of(count.names, begun, phrases()),
        orders={kind: one for kind, (one, _) in found.items()},
        refused=refused,
        plain=not any(isinstance(key, Key) for key in count.keys),
        bare=bare,
        headers=sum(count.keys.values()) - impossible.total(),
        doubts=[doubt for _, doubt in found.values() if doubt],
        impossible=impossible,
        first_line=count.first_line,
        torn=torn,
        kept=None if refused else count.kept,
    )


def _counted(file: DataFile, torn: bool, bare: bool = False) -> _Count:
    count, clocks, possible = _Count(), Clocks(), Possible()
    with opened(file, torn) as text:
        for piece in pieces(text, bare=bare):
            piece = sifted(piece, clocks, possible)
            if not count.first_line:
                count.first_line = piece.before.lstrip()[:_SHOWN].partition("\n")[0]
            tally = Counter(piece.keys)
            count.keys.update(tally)
            count.keep(piece)
            spoken = [": " in body for body in piece.bodies]
            count.names.add(list(compress(piece.bodies, spoken)))
            if not {dialect(as_key(key)) for key in tally} <= count.with_sender:
                speakers = set(compress(piece.keys, spoken))
                count.with_sender |= {dialect(as_key(key)) for key in speakers}
    return count


class Possible(dict[AnyKey, bool]):
    """Whether keys are of headers: each is looked at once. refused: those that are not, here."""

    def __init__(self, refused: frozenset[Key] = frozenset()) -> None:
        super().__init__()
        self._refused = refused

    def __missing__(self, key: AnyKey) -> bool:
        whole = as_key(key)
        self[key] = good = whole not in self._refused and is_possible(whole)
        return good


def sifted(piece: Piece, clocks: Clocks, possible: Possible) -> Piece:
    """Return the piece without headers whose day or time does not exist; they are text."""
    wrong = {key for key in set(piece.keys) if not possible[key]}
    wrong_clocks = {text for text in set(piece.clocks) if clocks[text] is None}
    if not wrong and not wrong_clocks:
        return piece
    rows = enumerate(zip(piece.keys, piece.clocks, strict=True))
    return merged(piece, {at for at, (key, text) in rows if key in wrong or text in wrong_clocks})


def _begun(file: DataFile, firsts: set[str], bare: bool) -> Iterator[str]:
    """Yield what follows the headers where it begins with one of the given words and a colon."""
    if not firsts:
        return
    with opened(file) as text:
        for piece in pieces(text, bare=bare):
            yield from (body for body in piece.bodies if body.partition(": ")[0] in firsts)


def _orders(keys: dict[Key, int], asked: DateOrder) -> dict[Dialect, tuple[DateOrder, str | None]]:
    """Find the order of each dialect; one in doubt follows a sure one that looks like it."""
    dates: dict[Dialect, list[Key]] = {}
    for key in keys:
        dates.setdefault(dialect(key), []).append(key)
    found: dict[Dialect, tuple[DateOrder, str | None]] = {}
    for kind, ones in dates.items():
        if asked is not DateOrder.auto:
            found[kind] = asked, None
            continue
        markers = {key.marker.casefold().replace(".", "") for key in ones}
        east = bool(markers & {m.replace(".", "") for m in _EAST})
        english = bool(markers) and markers <= set(_ENGLISH)
        lines: Counter[str] = Counter()
        for key in ones:
            lines[key.date] += keys[key]
        found[kind] = find_order(lines, english, east)
    sure = {kind: one for kind, (one, doubt) in found.items() if doubt is None}
    return {kind: _followed(kind, *one, sure, dates[kind]) for kind, one in found.items()}


def _followed(
    kind: Dialect,
    one: DateOrder,
    doubt: str | None,
    sure: dict[Dialect, DateOrder],
    keys: list[Key],
) -> tuple[DateOrder, str | None]:
    if doubt is None:
        return one, None
    alike = {order for other, order in sure.items() if other[1:] == kind[1:]}
    fitting = alike & set(orders(keys[0].date))
    return (fitting.pop(), None) if len(fitting) == 1 else (one, doubt)


def _foreign(keys: dict[Key, int], with_sender: set[Dialect]) -> frozenset[Key]:
    """Return the keys that look like headers and are text that somebody pasted or typed.

    That is what has another style than most headers, and is either never followed by a sender or
    in a style that only whole exports are in.
    """
    styles: Counter[str] = Counter()
    for key, many in keys.items():
        styles[key.style] += many
    if len(styles) < 2:
        return frozenset()
    main = styles.most_common(1)[0][0]
    spoken = {kind[0] for kind in with_sender}
    return frozenset(
        key
        for key in keys
        if key.style != main
        and (key.style in _ONLY_WHOLE or (key.style not in spoken and main in spoken))
    )
