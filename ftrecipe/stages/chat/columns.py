"""Texts that grow at once, side by side on a terminal; rows that will not change scroll away."""

import unicodedata
from collections.abc import Callable, Sequence

from ftrecipe.page.words import printable

GAP = " │ "
LEAST = 100  # columns of a terminal on which two texts fit side by side
JOINERS = "\u200b\u200c\u200d\ufe0e\ufe0f"


def width(text: str) -> int:
    """Return the columns that a text takes on a terminal."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character) or character in JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(text: str, columns: int) -> list[str]:
    """Return the rows of a text, broken between words, and within those that are too long."""
    rows: list[str] = []
    for line in text.expandtabs(4).split("\n"):
        row = ""
        for word in _words(line):
            if width(row + word.rstrip()) > columns and row.strip():
                rows.append(row.rstrip())
                row, word = "", word.lstrip()
            while width(word.rstrip()) > columns:
                room = columns - width(row)
                fits = _fitting(word, room)
                rows.append(row + word[:fits])
                row, word = "", word[fits:]
            row += word
        rows.append(row.rstrip())
    return rows


def _words(line: str) -> list[str]:
    """Cut a line before each word; what is between two words goes with the first."""
    words: list[str] = []
    for character in line:
        begins = not words or (words[-1][-1] == " " and character != " ")
        if begins:
            words.append(character)
        else:
            words[-1] += character
    return words


def _fitting(text: str, columns: int) -> int:
    """Return how many characters fit, one at least."""
    taken = 0
    for at, character in enumerate(text):
        taken += _width(character)
        if taken > columns:
            return max(at, 1)
    return len(text)


class Columns:
    """Draws texts below their titles. `draw` writes to the terminal; height: its rows."""

    def __init__(
        self, titles: Sequence[str], draw: Callable[[str], None], columns: int, height: int
    ) -> None:
        self.draw, self.most = draw, max(height - 2, 1)
        self.each = (columns - 1 - len(GAP) * (len(titles) - 1)) // len(titles)
        self.texts = [""] * len(titles)
        self.over = [False] * len(titles)
        self.final = 0  # rows that stand above, and change no more
        self.live: list[str] = []  # rows that are drawn, and may change
        self.draw(self._row([title[: self.each] for title in titles]) + "\n")
        self.draw(self._row(["─" * self.each] * len(titles)) + "\n")

    def add(self, which: int, piece: str) -> None:
        """Let one text grow."""
        self.texts[which] += printable(piece, keep="\n\t")
        self._show()

    def end(self, which: int) -> None:
        """Say that a text grows no more."""
        self.over[which] = True
        self._show()

    def close(self) -> None:
        """Draw what is left."""
        self.over = [True] * len(self.texts)
        self._show()
        self.draw("\n")

    def _show(self) -> None:
        rows = [wrapped(text, self.each) for text in self.texts]
        count = max(map(len, rows))
        settled = min(
            count if over else len(each) - 1 for each, over in zip(rows, self.over, strict=True)
        )
        whole = [
            self._row([each[at] if at < len(each) else "" for each in rows])
            for at in range(self.final, count)
        ]
        shown = whole[: max(settled - self.final, 0) + self.most]
        self._draw(shown)
        self.final, passed = max(settled, self.final), max(settled - self.final, 0)
        self.live = shown[passed:]

    def _draw(self, rows: list[str]) -> None:
        """Write rows over those that may change; only what is different is written."""
        same = 0
        while same < min(len(rows), len(self.live)) and rows[same] == self.live[same]:
            same += 1
        if same == len(rows) == len(self.live):
            return
        up = len(self.live) - same
        begin = (f"\x1b[{up}A" if up else "") + "\r"
        self.draw(begin + "".join(f"\x1b[K{row}\n" for row in rows[same:]))

    def _row(self, cells: Sequence[str]) -> str:
        padded = [cell + " " * (self.each - width(cell)) for cell in cells[:-1]]
        return GAP.join([*padded, cells[-1]]).rstrip()
