"""One chat: what was said, how answers are written, and where they are kept."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ftrecipe.components.eval import Decoding
from ftrecipe.errors import ConfigError, FtrecipeError, StageError
from ftrecipe.registry import LAST_SEED
from ftrecipe.rundir import now
from ftrecipe.stages.chat.answering import Stop, answered, display, fitted, put_raw
from ftrecipe.stages.chat.terminal import Terminal
from ftrecipe.stages.chat.voices import Voice
from ftrecipe.stages.engines import NotAsked
from ftrecipe.talk.asked import Asked
from ftrecipe.talk.chatlog import ChatFile
from ftrecipe.talk.conversation import Answer, Conversation, Turn


class Chat:
    """A person's questions to some voices, the tuned model's first."""

    def __init__(self, asked: Asked, terminal: Terminal, voices: list[Voice]) -> None:
        self.asked, self.terminal, self.voices = asked, terminal, voices
        self.decoding = asked.decoding
        self.said = Conversation(asked.system)
        self.log = ChatFile(Path(asked.log)) if asked.log else None
        self.left_out = 0  # turns that the model no longer sees, as the person was told
        self.again = 0  # how often the last question was answered anew

    def ask(self, question: str) -> None:
        """Have a new question answered."""
        self.again = 0
        self._ask(question)

    def _ask(self, question: str) -> None:
        """Have a question answered, show the answers, and keep them. Raises FtrecipeError."""
        began, asked = time.monotonic(), now()
        stop = Stop()
        try:
            with stop.heard():
                answers = self._answer(question, stop)
        except NotAsked as reason:
            raise StageError(str(reason)) from None
        turn = Turn(question, answers, time=asked)
        self.said.turns.append(turn)
        self.keep()
        self._tell(turn, stop, time.monotonic() - began)

    @property
    def _drawn(self) -> Decoding:
        """How the next answer is written: with dice of its own, and others when asked again."""
        thrown = self.decoding.seed + len(self.said.turns) + 1000 * self.again
        return replace(self.decoding, seed=thrown % (LAST_SEED + 1))

    def _answer(self, question: str, stop: Stop) -> dict[str, Answer]:
        drawn, context = self._drawn, self.asked.context
        if self.asked.raw:
            puts = [put_raw(voice, question, drawn, context) for voice in self.voices]
        else:
            puts = [fitted(voice, self.said, question, drawn, context) for voice in self.voices]
        self._tell_left_out(max(put.since for put in puts))
        return answered(puts, self._display(), stop)

    def _display(self) -> Any:
        names = [voice.name for voice in self.voices]
        return display(names, self.terminal, silent=self.asked.as_json)

    def _tell(self, turn: Turn, stop: Stop, seconds: float) -> None:
        """Tell what is to be known of a turn besides its text."""
        mine, *others = turn.answers.values()
        if self.asked.as_json:
            row: dict[str, Any] = {"question": turn.question, **_plain(mine)}
            names = list(turn.answers)[1:]
            if others:
                row["compared"] = {n: _plain(a) for n, a in zip(names, others, strict=True)}
            row |= {"model": self.asked.tuned.title, "seconds": round(seconds, 3)}
            self.terminal.draw(json.dumps(row, ensure_ascii=False) + "\n")
        if stop.asked:
            if not self.terminal.interactive:
                raise KeyboardInterrupt
            self.terminal.say("stopped; /retry asks again, /undo forgets it")
        elif not all(answer.ended for answer in turn.answers.values()):
            most = self.decoding.max_new_tokens
            more = "/set max_new_tokens " if self.terminal.interactive else "max_new_tokens="
            self.terminal.say(f"cut at {most:,} tokens; {more}{2 * most} allows more")

    def _tell_left_out(self, turns: int) -> None:
        if turns > self.left_out:
            self.terminal.say(
                f"the first {turns} of {len(self.said.turns)} questions, and their answers, no "
                f"longer fit into the {self.asked.context:,} tokens that the model looks at"
            )
        self.left_out = turns

    def keep(self) -> None:
        """Write the conversation as it stands to the log. Raises StageError if that fails."""
        if self.log is not None:
            self.write_to(self.log)

    def write_to(self, file: ChatFile) -> None:
        """Write the conversation to a file, or take it out of there if nothing is left of it."""
        try:
            if self.said.answered:
                file.put(self.said.row(self.asked.tuned.title))
            else:
                file.remove(self.said.id)
        except OSError as error:
            raise StageError(f"{file.path}: could not be written: {error.strerror}") from None

    def begin_anew(self, system: str | None = None) -> None:
        """Begin another conversation; what was said stays in the log."""
        self.said = Conversation(self.said.system if system is None else system)
        self.left_out = self.again = 0

    def take_back(self) -> str:
        """Forget the last question and its answers; return the question. Raises ConfigError."""
        if not self.said.turns:
            raise ConfigError("nothing was asked yet")
        turn = self.said.turns.pop()
        self.keep()
        return turn.question

    def retry(self) -> None:
        """Ask the last question again; the new answers take the place of the old ones."""
        if not self.said.turns:
            raise ConfigError("nothing was asked yet")
        before = self.said.turns.pop()
        self.again += 1
        try:
            self._ask(before.question)
        except (FtrecipeError, KeyboardInterrupt):
            self.said.turns.append(before)
            raise

    @property
    def last(self) -> Answer:
        """The tuned model's last answer. Raises ConfigError where there is none."""
        if not self.said.turns:
            raise ConfigError("nothing was answered yet")
        return next(iter(self.said.turns[-1].answers.values()))


def _plain(answer: Answer) -> dict[str, Any]:
    return {"answer": answer.text, "ended": answer.ended}
