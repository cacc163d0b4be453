"""How a template lays out conversations of one sequence of roles: its own text, and the holes."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from ftrecipe.data.example import Message

Span = tuple[int, int]
Key = tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]

_STAND_IN = re.compile(r"qzx(\d+)x(\d+)xzq")
PADDING = "\n "
_PADDED = re.compile(rf"{PADDING}(qzx\d+x\d+xzq){PADDING}")
_UNSEEN = ("role", "weight")  # what a template does not write as a person wrote it


def key_of(messages: Sequence[Message], turns: Sequence[int]) -> Key | None:
    """Return what conversations of one layout have in common; None where they have no layout.

    These are the roles, the fields of each message and the answers that are asked for. A field
    that is no text, such as tool calls, may change the template's own words.
    """
    for message in messages:
        for name, value in message.items():
            if type(value) is not str and name != "weight":
                return None
    return tuple([(message["role"], *message) for message in messages]), tuple(turns)


def stand_ins(messages: Sequence[Message], padding: str = "") -> list[Message]:
    """Return the conversation with a word of our own, to be found again, for each of its texts."""
    return [
        {
            name: value if name in _UNSEEN else f"{padding}qzx{at}x{number}xzq{padding}"
            for number, (name, value) in enumerate(message.items())
        }
        for at, message in enumerate(messages)
    ]


def told(text: str | None) -> str | None:
    """Return what is said about stand-ins as it is said about any text."""
    return None if text is None else _STAND_IN.sub("…", text)


def lost(messages: Sequence[Message], text: str) -> str | None:
    """Return the role whose content is not in a text rendered of stand-ins, or None."""
    text = text.casefold()
    for message in messages:
        if message["content"].strip().casefold() not in text:
            return message["role"]
    return None


class Surrounded(NamedTuple):
    """Where a stand-in stands for what the message at `turn` says, and the words around it."""

    turn: int
    span: Span
    around: tuple[str | None, str | None]


def surrounded(
    messages: Sequence[Message], text: str, turns: Sequence[int]
) -> list[Surrounded] | None:
    """Return the messages at `turns` as they stand in `text`; None where they are not in order."""
    spans: list[Span] = []
    at = 0
    for message in messages:
        start = text.find(message["content"], at)
        if start < 0:
            return None
        at = start + len(message["content"])
        spans.append((start, at))
    edges = [(0, 0), *spans, (len(text), len(text))]
    return [
        Surrounded(
            turn, spans[turn],
            (told(text[edges[turn][1] : spans[turn][0]]),
             told(text[spans[turn][1] : edges[turn + 2][0]])),
        )
        for turn in turns
    ]  # fmt: skip


def representatives(found: Sequence[Surrounded]) -> list[int]:
    """Return the turns of the first and the last two with the same words around them."""
    alike: dict[Any, list[int]] = {}
    for one in found:
        alike.setdefault(one.around, []).append(one.turn)
    return sorted({turn for turns in alike.values() for turn in (*turns[:2], *turns[-2:])})


def extended(
    found: Sequence[Surrounded], turns: Sequence[int], spans: Sequence[Span]
) -> list[Span] | None:
    """Return the spans of all of `found`, given those of the representatives at `turns`.

    Returns None where two with the same words around them begin or end otherwise.
    """
    by_turn = {one.turn: one for one in found}
    margins: dict[Any, tuple[int, int]] = {}
    for turn, span in zip(turns, spans, strict=True):
        one = by_turn[turn]
        margin = span[0] - one.span[0], span[1] - one.span[1]
        if margins.setdefault(one.around, margin) != margin:
            return None
    both = [(one.span, margins[one.around]) for one in found]
    return [(start + left, end + right) for (start, end), (left, right) in both]


@dataclass(frozen=True)
class Layout:
    """A template's own text between the holes, and where spans begin and end in it.

    literals: one more than there are holes. holes: message, field, and whether its outer
    whitespace is left out. marks: places as (holes before it, characters into the next literal).
    disagrees: how the template's own marks differ from the spans.
    """

    literals: list[str]
    holes: list[tuple[int, str, bool]]
    marks: list[tuple[int, int]]
    disagrees: str | None

    def places(self, messages: Sequence[Message], whole: str) -> list[int] | None:
        """Return where the marks are in `whole`; None if it is not laid out this way."""
        pieces = [self.literals[0]]
        for (at, name, stripped), literal in zip(self.holes, self.literals[1:], strict=True):
            value = messages[at][name]
            pieces += (value.strip() if stripped else value, literal)
        if "".join(pieces) != whole:
            return None
        starts = [0, *accumulate(map(len, pieces))]
        return [starts[2 * hole] + offset for hole, offset in self.marks]


def learn(
    messages: Sequence[Message], text: str, padded: str | None, places: Sequence[int],
    disagrees: str | None,
) -> Layout | None:  # fmt: skip
    """Return the layout of a conversation of stand-ins rendered as `text`.

    padded: the same rendered with whitespace around each, if it can be. places: where the head
    ends, and where spans begin and end. Returns None where a span begins or ends inside a stand-in.
    """
    names: list[list[Any]] = [list(message) for message in messages]
    found = list(_STAND_IN.finditer(text))
    edges = [0, *(edge for one in found for edge in one.span()), len(text)]
    literals = [text[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2)]
    kept = set(_PADDED.findall(padded or ""))
    holes = []
    for one in found:
        at, number = map(int, one.groups())
        holes.append((at, names[at][number], padded is not None and one.group() not in kept))
    marks = [_mark(place, edges) for place in places]
    known = [mark for mark in marks if mark is not None]
    return Layout(literals, holes, known, disagrees) if len(known) == len(marks) else None


def _mark(place: int, edges: list[int]) -> tuple[int, int] | None:
    """Return a place as holes before it and characters into the literal there."""
    at = bisect_left(edges, place)
    if at % 2:
        return at // 2, place - edges[at - 1]
    return (at // 2, 0) if edges[at] == place else None
