"""A terminal gets a bar, a file gets plain lines, and a reader that is gone ends nothing."""

import io
import os

from ftrecipe.stages.screen import Screen


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_terminal_gets_a_bar_with_count_note_and_time_left() -> None:
    said = Terminal()
    with Screen(said).progress("train", 10) as bar:
        bar.update(5, note="loss 1.5")
        bar.draw()
    assert "5/10  loss 1.5" in said.getvalue()
    assert "left" in said.getvalue()
    assert said.getvalue().endswith("\r\x1b[K")


def test_file_gets_lines_without_control_characters() -> None:
    said = io.StringIO()
    with Screen(said).progress("prepare", None) as bar:
        bar.update(3000)
        bar.draw()
    assert said.getvalue() == "prepare   3,000  \n"


def test_resumed_bar_starts_where_it_was() -> None:
    said = io.StringIO()
    with Screen(said).progress("train", 10, done=4) as bar:
        bar.update(1)
        bar.draw()
    assert "5/10" in said.getvalue()


def test_reader_that_has_gone_away_ends_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    screen = Screen(os.fdopen(writing, "w"))
    screen.say("one")
    screen.say("two")
    assert screen.stream is None
