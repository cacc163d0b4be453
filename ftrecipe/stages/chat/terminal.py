"""The person's side of a chat: typed lines, streams for answers and for notices, and a history.

All that libraries print goes to a log, never into the conversation.
"""

import os
import readline
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO, cast

from ftrecipe.page.words import printable
from ftrecipe.secrets import RedactedStream, redacted
from ftrecipe.stages.screen import Screen

HISTORY = 1000  # lines that are remembered from one chat to the next
PROMPT, MORE = "> ", ". "
QUOTES = '"""'


class Terminal:
    """Streams of a person or a program. interactive: somebody types, and reads as it comes."""

    def __init__(self, log: TextIO) -> None:
        if sys.stdin is None:
            sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - of the whole process
        cast(TextIOWrapper, sys.stdin).reconfigure(encoding="utf-8", errors="replace")
        self.interactive = sys.stdin.isatty()
        self.answers = _own(1)
        self.notices = _own(2)
        self.draws = self.answers.isatty()
        self.edits = self.interactive and self.draws
        self.log = log
        for number in (1, 2):
            os.dup2(log.fileno(), number)
        self._printed = sys.stdout = sys.stderr = cast(TextIO, RedactedStream(log))

    @property
    def columns(self) -> int:
        """The width of the terminal as it is now."""
        with suppress(OSError):
            return os.get_terminal_size(self.answers.fileno()).columns
        return shutil.get_terminal_size().columns

    @property
    def lines(self) -> int:
        """The height of the terminal as it is now."""
        with suppress(OSError):
            return os.get_terminal_size(self.answers.fileno()).lines
        return shutil.get_terminal_size().lines

    def screen(self) -> Screen:
        """Return where stages tell people something: among the notices."""
        return Screen(cast(TextIO, RedactedStream(self.notices)), None)

    def say(self, text: str) -> None:
        """Tell the person something that is no answer."""
        print(printable(redacted(text), keep="\n\t"), file=self.notices, flush=True)

    def write(self, text: str) -> None:
        """Show a part of an answer; on a terminal it does nothing but be read."""
        self.answers.write(printable(text, keep="\n\t") if self.draws else text)
        self.answers.flush()

    def draw(self, text: str) -> None:
        """Write to the terminal as it is, movements of the cursor too."""
        self.answers.write(text)
        self.answers.flush()

    def read(self) -> str | None:
        """Return the next thing that is typed, of one line or several; None at the end."""
        line = self._line(PROMPT)
        if line is None:
            return None
        if line.strip().startswith(QUOTES):
            return self._quoted(line.strip().removeprefix(QUOTES))
        parts = []
        while line is not None and line.endswith("\\") and self.interactive:
            parts.append(line[:-1])
            line = self._line(MORE)
        return "\n".join([*parts, line or ""])

    def _quoted(self, first: str) -> str:
        """Return the lines up to the one that ends with three quotes."""
        parts, line = [], first
        while line is not None and not line.rstrip().endswith(QUOTES):
            parts.append(line)
            line = self._line(MORE)
        parts.append((line or "").rstrip().removesuffix(QUOTES))
        return "\n".join(parts).strip("\n")

    def _line(self, prompt: str) -> str | None:
        if self.edits:
            return self._edited(prompt)
        if self.interactive:
            self.notices.write(prompt)
            self.notices.flush()
        line = sys.stdin.readline()
        return line.rstrip("\r\n") if line else None

    def _edited(self, prompt: str) -> str | None:
        """Read a line with readline, which has to find the terminal where programs have it."""
        plain = os.fdopen(os.dup(1), "w")  # the log, kept while the terminal is in its place
        os.dup2(self.answers.fileno(), 1)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), self.notices  # noqa: SIM115
        try:
            return input(prompt)
        except EOFError:
            self.draw("\n")
            return None
        except KeyboardInterrupt:
            self.draw("\n")
            raise
        finally:
            os.dup2(plain.fileno(), 1)
            plain.close()
            sys.stdout = sys.stderr = self._printed


def _own(number: int) -> TextIO:
    return os.fdopen(os.dup(number), "w", encoding="utf-8", errors="replace")


class Remembered:
    """Lines that were typed before, in the person's own folder, written as they are typed.

    Lines with a secret are not kept. A home that cannot be written ends no chat.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self.file = _state() / "chat_history"
        readline.set_completer_delims("")
        readline.set_completer(self._complete)
        readline.parse_and_bind("tab: complete")
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.touch(mode=0o600)
            readline.read_history_file(self.file)
            readline.set_history_length(HISTORY)
            readline.write_history_file(self.file)
        self.known = readline.get_current_history_length()

    def keep(self) -> None:
        """Write down what was typed since."""
        count = readline.get_current_history_length()
        fresh = [readline.get_history_item(at + 1) or "" for at in range(self.known, count)]
        if fresh and all(redacted(line) == line for line in fresh):
            with suppress(OSError):
                readline.append_history_file(len(fresh), self.file)
        self.known = count

    def _complete(self, text: str, state: int) -> str | None:
        found = [f"{word} " for word in self.words if text and word.startswith(text)]
        return found[state] if state < len(found) else None


def _state() -> Path:
    """Return the folder of what this program remembers of a person (XDG base directories)."""
    home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(home) if home.startswith("/") else Path.home() / ".local" / "state") / "ftrecipe"
