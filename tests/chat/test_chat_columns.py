"""Two texts that grow side by side look, in the end, as if they had been there at once."""

import re

import pytest

from ftrecipe.stages.chat.columns import Columns, width, wrapped


class Glass:
    """A terminal of a given height that understands the few movements that are used."""

    def __init__(self, height: int) -> None:
        self.height, self.rows, self.at = height, [""], 0
        self.top = 0

    def draw(self, text: str) -> None:
        for part in re.findall(r"\x1b\[\d*[AK]|\r|\n|[^\x1b\r\n]+", text):
            if part == "\n":
                self.at += 1
                if self.at == len(self.rows):
                    self.rows.append("")
                self.top = max(self.top, len(self.rows) - self.height)
            elif part.endswith("A"):
                self.at -= int(part[2:-1] or 1)
                assert self.at >= self.top, "a row that has scrolled away is drawn again"
            elif part == "\x1b[K":
                self.rows[self.at] = ""
            elif part != "\r":
                self.rows[self.at] = part


def cells(glass: Glass, which: int) -> str:
    body = [row for row in glass.rows[2:] if row]
    parts = [re.split(r" ?│ ?", row + " ")[which].strip() for row in body]
    return " ".join(part for part in parts if part)


LONG = "a much longer answer that goes on and on, over many rows, until it ends at last. " * 6


@pytest.mark.parametrize("height", [5, 40])
@pytest.mark.parametrize(("left", "right"), [("short", LONG), (LONG, "short"), (LONG, LONG)])
def test_both_texts_are_there_whole_however_they_grew(height, left, right):
    glass = Glass(height)
    columns = Columns(["tuned", "base"], glass.draw, 60, height)
    pieces = {0: re.findall(r"\S+\s*", left), 1: re.findall(r"\S+\s*", right)}
    while any(pieces.values()):
        for which, waiting in pieces.items():
            if waiting:
                columns.add(which, waiting.pop(0))
                if not waiting:
                    columns.end(which)
    columns.close()
    assert cells(glass, 0) == left.strip()
    assert cells(glass, 1) == right.strip()


def test_nothing_is_wider_than_the_terminal():
    glass = Glass(30)
    columns = Columns(["one", "two"], glass.draw, 80, 30)
    columns.add(0, "汉字" * 40 + " 🙂 " + "x" * 90)
    columns.add(1, "é" * 200)
    columns.close()
    assert max(map(width, glass.rows)) < 80


def test_wide_characters_take_two_columns_and_marks_none():
    assert width("汉字") == 4
    assert width("e\u0301") == 1


def test_lines_break_between_words():
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("one\n\n  two", 8) == ["one", "", "  two"]
    assert wrapped("unbreakable", 4) == ["unbr", "eaka", "ble"]


def test_what_would_move_the_cursor_is_shown_as_text():
    glass = Glass(30)
    columns = Columns(["one", "two"], glass.draw, 80, 30)
    columns.add(0, "red\x1b[31m")
    columns.close()
    assert "red␛[31m" in glass.rows[2]
