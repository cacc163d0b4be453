"""Cuts the text of a WhatsApp export at what looks like the header of a message: date and time.

Whether a date and a clock exist is said by `dates` and `clocks`, who is meant by `members`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple, TextIO

from ftrecipe.components.dataset.whatsapp.clocks import is_glue, markers

BLOCK = 1 << 16  # characters read at once

MARKS = "\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"  # seen by nobody
SPACES = " \t\u00a0\u2007\u2009\u202f\u3000"
_M = f"[{MARKS}]*+"
_W = f"[{MARKS}{SPACES}]*+"

# What nearly all phones write. Everything else takes the longer way of `_ANY`.
_NUMBERS = "|".join(rf"[0-9]{{1,4}}{by}[0-9]{{1,2}}{by}[0-9]{{1,4}}" for by in ("/", r"\.", "-"))
_PLAIN = (
    rf"\u200e?(\[)?({_NUMBERS})(?:,[ \u202f]?|[ ])"
    r"((?:[01]?[0-9]|2[0-4])[:.][0-5][0-9](?:[:.][0-5][0-9])?"
    r"(?:[ \u202f\xa0]?([AaPp]\.?[ \xa0\u202f]?[Mm]\.?))?)(?(1)\]|[ ]-) "
)
_ERA = (
    r"(?:令和|平成|昭和|中華民國|中华民国|民國|民国|西暦|西元|公元|佛曆|พ\.ศ\.|ค\.ศ\.|พุทธศักราช"
    r"|[RHS](?=[0-9]))"
)
_AFTER = (
    r"(?:พ\.ศ\.|ค\.ศ\.|B\.?E\.?|A\.?H\.?|A\.?P\.?|A\.?D\.?|C\.?E\.?|هـ|ه\.ش\.?|ه\.ق\.?|ش|م\.?(?=\W*[,،])"
    r"|г\.?|р\.?)(?!\w)"
)
_BETWEEN = rf"{_W}(?:[/.\-\u2010-\u2013\u066b年년月월])\.?{_W}"
_DATE = (
    rf"({_ERA}?{_W}(?:\d{{1,4}}|元){_BETWEEN}\d{{1,2}}{_BETWEEN}\d{{1,4}}"
    rf"(?:{_W}[日일.])?(?:{_W}{_AFTER})?)"
)
_WORDS = r"((?:[^\W\d_][^\d\n\[\]:,،/<>]{0,16}+)?)"
_CLOCK = (
    rf"(\d{{1,2}}{_W}(?:[:.：٫\u066b時时시点點]|h(?=\W)){_W}\d{{2}}"
    rf"(?:{_W}(?:[:.：٫\u066b分분]|min){_W}\d{{2}})?(?:{_W}[分秒분초])?)"
)
_TAIL = r"([^\d\n\[\]()（）【】［］:,،\-\u2010-\u2014<>/]{0,18})"
_COMMA = rf"{_W}(?:[,،、·]{_W}|(?<=\s)|(?<=[{SPACES}{MARKS}])|(?<=[日일]))"
_OPEN, _CLOSE = r"([\[\(［【]?)", rf"(\]|\)|］|】|{_W}[-\u2010-\u2014](?=\W)|,(?=[ ])|:(?=[ ]))"
_ANY = rf"{_M}{_OPEN}{_W}{_DATE}{_COMMA}{_WORDS}{_CLOCK}{_TAIL}{_CLOSE}{_W}"
_TIME_FIRST = rf"{_M}{_OPEN}{_W}{_CLOCK}{_TAIL},{_W}{_DATE}{_W}{_CLOSE}{_W}"
_UNUSUAL = (rf"(?=[{MARKS}{SPACES}]*+\W?[{MARKS}{SPACES}]*+(?:\d|{_ERA}))"
            rf"(?:{_ANY}|{_TIME_FIRST})")  # fmt: skip
# Nothing but a space before the name: too much like other texts to be looked for beside the above.
_BARE = (rf"{_M}{_DATE}{_COMMA}{_CLOCK}(?:[{SPACES}]?([AaPp]\.?[{SPACES}]?[Mm]\.?))?"
         r"[ ](?=[^\W\d][^\n:]{0,60}: )")  # fmt: skip
_PLAIN_PARTS, _ALL_PARTS = 5, 16  # groups, and the text that follows


class _Patterns(NamedTuple):
    """What finds headers: of the usual kind, of all others, of both, and bare ones."""

    plain: re.Pattern[str]
    other: re.Pattern[str]
    both: re.Pattern[str]
    bare: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    """Return the patterns, compiled when a chat is read and not before."""
    texts = (rf"\n{_PLAIN}", rf"\n{_UNUSUAL}", rf"\n(?:{_PLAIN}|{_UNUSUAL})",
             rf"\n{_BARE}")  # fmt: skip
    return _Patterns(*map(re.compile, texts))


class Key(NamedTuple):
    """All of a header but the time on the clock.

    style: `[`, `-`, `,` or `:`, by what sets it off; with a `t` where the clock comes first.
    date: as written. marker: the words beside the clock: AM, a. m., 오후.
    """

    style: str
    date: str
    marker: str


AnyKey = Key | tuple[str | None, str, str | None]  # a tuple of the same three, as usual ones are


@dataclass
class Piece:
    """Some headers in a row, and what follows each.

    before: the text before the first of them, which the message above goes on with.
    """

    before: str
    keys: list[AnyKey] = field(default_factory=list)
    clocks: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    block: str = ""  # all of it, where it was cut just now


def pieces(text: TextIO, plain: bool = False, bare: bool = False) -> Iterator[Piece]:
    """Yield a whole text in pieces that end at line ends, each line begun with its line end.

    plain: every header is known to be of the usual kind, so no other is looked for.
    bare: the headers have nothing between the clock and the name.
    """
    while block := text.read(BLOCK):
        block = "\n" + (block + text.readline()).removesuffix("\n")
        yield _cut_bare(block) if bare else cut(block, plain)


def cut(block: str, plain: bool = False) -> Piece:
    """Cut whole lines, each preceded by its line end, at the headers in them."""
    patterns = _patterns()
    parts, size = patterns.plain.split(block), _PLAIN_PARTS
    if not plain and any(
        map(patterns.other.search, [rest for rest in parts[::size] if "\n" in rest])
    ):
        parts, size = patterns.both.split(block), _ALL_PARTS
    piece = Piece(parts[0], [], parts[3::size], parts[size::size], block)
    usual = zip(parts[1::size], parts[2::size], parts[4::size], strict=True)
    if size == _PLAIN_PARTS:
        piece.keys = list(usual)
        return piece
    rows = zip(*(parts[at::size] for at in range(5, size)), strict=True)
    for at, (key, row) in enumerate(zip(usual, rows, strict=True)):
        whole, piece.clocks[at] = (key, piece.clocks[at]) if key[1] else _unusual(*row)
        piece.keys.append(whole)
    return piece


def _cut_bare(block: str) -> Piece:
    before, *parts = _patterns().bare.split(block)
    halves = [half or "" for half in parts[2::4]]
    keys: list[AnyKey] = [Key(" ", *of) for of in zip(parts[::4], halves, strict=True)]
    clocks = [" ".join(both) for both in zip(parts[1::4], halves, strict=True)]
    return Piece(before, keys, clocks, parts[3::4], block)


def _unusual(
    opened: str, date: str, words: str, clock: str, tail: str, closed: str,
    opened_t: str, clock_t: str, tail_t: str, date_t: str, closed_t: str,
) -> tuple[Key, str]:  # fmt: skip
    """Return what the longer way found, as the usual way gives it."""
    if date is None:
        marker = _marker("", tail_t)
        return Key(_style(opened_t, closed_t) + "t", date_t, marker), f"{clock_t} {marker}"
    marker = _marker(words, tail)
    return Key(_style(opened, closed), date, marker), f"{clock} {marker}"


def _marker(words: str, tail: str) -> str:
    """Return the words beside a clock without those that mean nothing, such as `at` and `Uhr`."""
    beside = " ".join(f"{words} {tail}".split())
    return "" if is_glue(beside) else " ".join(markers(beside))


def _style(opened: str, closed: str) -> str:
    closes = closed.strip(f"{SPACES}\u200e\u200f\u202a\u202b\u202c\u2068\u2069")
    if opened:
        return "[" if closes in ("]", ")", "］", "】") else "?"
    return {",": ",", ":": ":"}.get(closes, "-" if closes not in "])］】" else "?")


def merged(piece: Piece, refused: set[int]) -> Piece:
    """Return a piece just cut with the headers at `refused` given back to the texts above."""
    patterns = _patterns()
    if piece.keys[0][0] == " ":
        starts = [found.span() for found in patterns.bare.finditer(piece.block)]
    else:
        starts = [found.span() for found in patterns.both.finditer(piece.block)]
    if len(starts) != len(piece.keys):
        starts = [found.span() for found in patterns.plain.finditer(piece.block)]
    kept = Piece(piece.before)
    for at, (start, end) in enumerate(starts):
        if at not in refused:
            kept.keys.append(piece.keys[at])
            kept.clocks.append(piece.clocks[at])
            kept.bodies.append(piece.bodies[at])
        elif kept.bodies:
            kept.bodies[-1] += piece.block[start:end] + piece.bodies[at]
        else:
            kept.before += piece.block[start:end] + piece.bodies[at]
    return kept
