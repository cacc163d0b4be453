"""One sample row as a few lines of a terminal, its trained tokens told from the others."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any
from unicodedata import east_asian_width

_WIDTH = 96  # columns of a line
_WORD = 24  # of them, within which a space is looked for to break at
_LINES = 13  # that are shown of a longer row, trained ones before others
_FIRST, _LAST = 2, 2  # of them always its first and last: the end token stands at its end
# Green and underlined; faint; reversed. Never color alone: terminals have their own ideas of it.
_INK = {"trained": "32;4", "context": "2", "special": "2;7", "learned": "32;4;7", "head": "1"}

_LEARNED = ("trained", "learned")

Run = tuple[str, str]  # what it is, and its text within one line


def excerpt(row: dict[str, Any], colored: bool) -> list[str]:
    """Return the lines that show a sample; its texts hold no control characters but \\n and \\t.

    Trained tokens are green and underlined where `colored`, else between » and «.
    """
    runs = _runs(row["pieces"]) if colored else _marked(row["pieces"])
    wrapped = _wrapped(runs)
    trained = [any(kind in _LEARNED for kind, _ in line) for line in wrapped]
    drawn = [f"  {_drawn(line, colored)}" for line in wrapped]
    lines = list(_shown(drawn, _chosen(trained)))
    if row["cut"]:
        lines.append(f"  … {row['cut']:,} more tokens")
    how = "green, underlined" if colored else "»so«"
    told = f"{row['where']}: {row['length']:,} tokens, {row['supervised']:,} trained on ({how})"
    return ["", _drawn([("head", told)], colored), *lines]


def _chosen(trained: list[bool]) -> set[int]:
    """Return which lines are shown: the ends, then those that are trained, then the first."""
    count = len(trained)
    order = [*range(min(_FIRST, count)), *range(max(0, count - _LAST), count)]
    order += sorted(range(count), key=lambda at: not trained[at])
    return set(list(dict.fromkeys(order))[:_LINES])


def _shown(lines: list[str], chosen: set[int]) -> Iterator[str]:
    """Yield the chosen lines, and how many are between them; a single one is shown instead."""
    for is_chosen, places in groupby(range(len(lines)), chosen.__contains__):
        between = [lines[at] for at in places]
        if is_chosen or len(between) == 1:
            yield from between
        else:
            yield f"  … {len(between):,} more lines …"


def _runs(pieces: list[dict[str, Any]]) -> Iterator[Run]:
    for piece in pieces:
        learned = piece["kind"] == "special" and piece["trained"]
        yield "learned" if learned else piece["kind"], _text(piece)


def _marked(pieces: list[dict[str, Any]]) -> Iterator[Run]:
    inside = False
    for piece in pieces:
        if piece["trained"] != inside:
            yield "trained", "«" if inside else "»"
            inside = piece["trained"]
        yield "trained" if inside else "context", _text(piece)
    if inside:
        yield "trained", "«"


def _text(piece: dict[str, Any]) -> str:
    """Return a piece's text; where one turn follows another directly, on a new line."""
    return ("\n" if piece["kind"] == "special" else "").join(piece["tokens"])


def _wrapped(runs: Iterator[Run]) -> list[list[Run]]:
    """Return the runs line by line, none wider than a terminal, broken between words."""
    lines: list[list[Run]] = [[]]
    for kind, text in runs:
        for character in text.replace("\t", "    "):
            if character == "\n":
                lines.append([])
            else:
                lines[-1].append((kind, character))
    folded = [part for line in lines for part in _folded(line)]
    while len(folded) > 1 and not folded[-1]:
        folded.pop()
    return [
        [(kind, "".join(text for _, text in group)) for kind, group in groupby(line, itemgetter(0))]
        for line in folded
    ]


def _folded(line: list[Run]) -> Iterator[list[Run]]:
    """Yield a line of single characters in parts that fit."""
    start = column = 0
    for at, (_, character) in enumerate(line):
        column += 1 + (east_asian_width(character) in "WF")
        if column > _WIDTH:
            places = range(at, max(start, at - _WORD), -1)
            stop = next((place for place in places if line[place - 1][1] == " "), at)
            yield line[start:stop]
            column = sum(1 + (east_asian_width(each) in "WF") for _, each in line[stop : at + 1])
            start = stop
    yield line[start:]


def _drawn(line: list[Run], colored: bool) -> str:
    if not colored:
        return "".join(text for _, text in line)
    return "".join(f"\x1b[{_INK[kind]}m{text}\x1b[0m" for kind, text in line if text)
