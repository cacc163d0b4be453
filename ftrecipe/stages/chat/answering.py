"""Has a question answered by all who speak, and shows it as it is written."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from ftrecipe.components.eval import Decoding
from ftrecipe.errors import ConfigError
from ftrecipe.stages.chat.columns import LEAST, Columns
from ftrecipe.stages.chat.terminal import Terminal
from ftrecipe.stages.chat.voices import Voice
from ftrecipe.talk.conversation import Answer, Conversation

LEAST_ANSWER = 16  # tokens that there has to be room for


class Stop:
    """Whether a person has stopped the answer; asked for a second time it stops at once."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def heard(self) -> Iterator["Stop"]:
        """Take Ctrl-C for a wish to end the answer, and nothing else."""
        before = signal.signal(signal.SIGINT, self._hear)
        self.asked = False
        try:
            yield self
        finally:
            signal.signal(signal.SIGINT, before)

    def _hear(self, number: int, frame: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@dataclass(frozen=True)
class Put:
    """What a voice is asked. begin: gives its answer. since: the first turn that it still sees."""

    voice: Voice
    begin: Callable[[], Iterator[str]]
    decoding: Decoding
    since: int = 0


def fitted(
    voice: Voice, said: Conversation, question: str, decoding: Decoding, context: int
) -> Put:
    """Leave out the oldest turns until an answer has room. Raises ConfigError if it never has."""
    since, messages = 0, said.messages(voice.name, question)
    room = context - voice.length(messages)
    while room < decoding.max_new_tokens and since < len(said.turns):
        since += 1
        messages = said.messages(voice.name, question, since)
        room = context - voice.length(messages)
    shorter = _within(room, decoding, context)
    return Put(voice, partial(voice.stream, messages, shorter), shorter, since)


def put_raw(voice: Voice, text: str, decoding: Decoding, context: int) -> Put:
    """Have a text continued by a model that has learned no conversations. Raises ConfigError."""
    shorter = _within(context - voice.tokens(text), decoding, context)
    return Put(voice, partial(voice.continued, text, shorter), shorter)


def _within(room: int, decoding: Decoding, context: int) -> Decoding:
    """Let an answer be as long as there is room. Raises ConfigError where there is hardly any."""
    if room < min(LEAST_ANSWER, decoding.max_new_tokens):
        raise ConfigError(
            f"that has {context - room:,} tokens, and the model looks at {context:,} with its "
            "answer; ask something shorter"
        )
    return replace(decoding, max_new_tokens=min(room, decoding.max_new_tokens))


class Display(Protocol):
    """Where answers are seen while they are written."""

    def add(self, which: int, piece: str) -> None:
        """Show a piece of one."""
        ...

    def end(self, which: int) -> None:
        """Show that one is over."""
        ...

    def close(self) -> None:
        """Show that all are."""
        ...


class InTurn:
    """One answer below the other, each after its name if there are several."""

    def __init__(self, names: list[str], terminal: Terminal, silent: bool = False) -> None:
        self.terminal, self.silent = terminal, silent
        self.waiting = [f"{name}: " for name in names] if len(names) > 1 else [""]

    def add(self, which: int, piece: str) -> None:
        """Show a piece; the name goes before the first."""
        self._write(self.waiting[which] + piece)
        self.waiting[which] = ""

    def end(self, which: int) -> None:
        """End the line."""
        self._write(self.waiting[which] + "\n")

    def close(self) -> None:
        """Leave a line, for people."""
        if self.terminal.interactive:
            self._write("\n")

    def _write(self, text: str) -> None:
        if not self.silent:
            self.terminal.write(text)


def display(names: list[str], terminal: Terminal, silent: bool) -> Display:
    """Return how answers are shown here."""
    wide = terminal.draws and terminal.columns >= LEAST
    if len(names) > 1 and wide and not silent:
        return Columns(names, terminal.draw, terminal.columns, terminal.lines)
    return InTurn(names, terminal, silent)


def answered(puts: list[Put], shown: Display, stop: Stop) -> dict[str, Answer]:
    """Have each answer, by turns where they are seen side by side, else one after the other."""
    together = isinstance(shown, Columns)
    writers = [Writer(at, put, shown, stop) for at, put in enumerate(puts)]
    rounds = [writers] if together else [[writer] for writer in writers]
    try:
        for group in rounds:
            going = group
            while going:
                going = [writer for writer in going if writer.goes_on()]
    finally:
        shown.close()
    return {writer.put.voice.name: writer.answer for writer in writers}


class Writer:
    """One answer while it is written."""

    def __init__(self, which: int, put: Put, shown: Display, stop: Stop) -> None:
        self.which, self.put, self.shown, self.stop = which, put, shown, stop
        self.text, self.pieces = "", 0
        self.stream = put.begin()
        self.began = time.monotonic()

    def goes_on(self) -> bool:
        """Write one more piece; False once it is over."""
        piece = None if self.stop.asked else next(self.stream, None)
        if piece is None:
            self.shown.end(self.which)
            self.answer = Answer(self.text.rstrip(), ended=self._ended())
            return False
        self.text += piece
        self.pieces += 1
        self.shown.add(self.which, piece)
        return True

    def _ended(self) -> bool:
        """Tell an answer that came to its end from one that was stopped, or cut at its longest."""
        most = self.put.decoding.max_new_tokens - 1
        tokens = self.put.voice.tokens(self.text)
        return not self.stop.asked and max(self.pieces, tokens) < most
