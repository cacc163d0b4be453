"""What a person sees of a running stage: a bar on a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO, cast

from ftrecipe.amounts import duration
from ftrecipe.secrets import RedactedStream

WIDTH = 24
LINE_SECONDS = 10.0  # between two plain lines of one bar
DRAW_SECONDS = 0.1


class Bar:
    """Progress of one task: `update(n)` as it goes; `note` is shown behind the bar."""

    def __init__(self, screen: "Screen", label: str, total: int | None, done: int = 0) -> None:
        self.screen, self.label, self.total = screen, label, total
        self.done = self.first = done
        self.note = ""
        self.started = self.drawn = time.monotonic()

    def update(self, n: int = 1, note: str | None = None) -> None:
        """Advance by `n`; draw if it is time to."""
        self.done += n
        self.note = self.note if note is None else note
        wait = DRAW_SECONDS if self.screen.is_terminal else LINE_SECONDS
        if time.monotonic() - self.drawn >= wait:
            self.draw()

    def draw(self) -> None:
        """Show the bar as it stands."""
        self.drawn = time.monotonic()
        count = f"{self.done:,}" if self.total is None else f"{self.done:,}/{self.total:,}"
        tail = "  ".join(part for part in (self.note, self._left()) if part)
        if self.screen.is_terminal:
            full = 0 if not self.total else int(WIDTH * min(self.done / self.total, 1))
            bar = "█" * full + "░" * (WIDTH - full)
            self.screen.write(f"\r\x1b[K{self.label:<9} {bar} {count}  {tail}"[:200])
        else:
            self.screen.write(f"{self.label:<9} {count}  {tail}\n")

    def _left(self) -> str:
        """Say how long it will take from here, at the pace so far."""
        fresh = self.done - self.first
        if self.total is None or fresh <= 0 or self.done >= self.total:
            return ""
        seconds = (time.monotonic() - self.started) / fresh * (self.total - self.done)
        return f"{duration(seconds)} left"


class Screen:
    """The person's own stream; a rank that nobody watches has a silent one."""

    def __init__(self, stream: TextIO | None, errors: TextIO | None = None) -> None:
        self.stream, self.errors = stream, errors
        self.is_terminal = stream is not None and stream.isatty()
        self.bar: Bar | None = None

    def write(self, text: str) -> None:
        """Write as it is; a reader that has gone away ends nothing."""
        if self.stream is None:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except BrokenPipeError:
            self.stream = None

    def say(self, text: str) -> None:
        """Show one line, and keep it in the log, unless the disk is full."""
        with suppress(OSError):
            print(text, flush=True)
        if self.bar is not None and self.is_terminal:
            self.write("\r\x1b[K")
        self.write(f"{text}\n")

    def fail(self, text: str) -> None:
        """Show why the run ended, where programs look for errors."""
        with suppress(OSError):
            print(text, flush=True)
        if self.errors is not None:
            with suppress(BrokenPipeError):
                print(text, file=self.errors, flush=True)

    def warn(self, text: str) -> None:
        """Show one line that a person should not miss."""
        self.say(f"warning   {text}")

    @contextmanager
    def progress(self, label: str, total: int | None, done: int = 0) -> Iterator[Bar]:
        """Show the progress of a task of `total` parts (None: unknown), `done` before it began."""
        self.bar = Bar(self, label, total, done)
        try:
            yield self.bar
        finally:
            if self.is_terminal:
                self.write("\r\x1b[K")
            self.bar = None


def take_screen(log: TextIO, silent: bool = False) -> Screen:
    """Keep the real stdout and stderr for the person; all else that is printed goes to `log`.

    A `silent` screen shows the person nothing at all.
    """
    stream, errors = (None if silent else _own(number) for number in (1, 2))
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout = sys.stderr = cast(TextIO, RedactedStream(log))
    return Screen(stream, errors)


def _own(number: int) -> TextIO:
    stream = os.fdopen(os.dup(number), "w", encoding="utf-8", errors="replace")
    return cast(TextIO, RedactedStream(stream))
