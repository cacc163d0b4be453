"""One conversation: what was asked, what each speaker answered, and what people thought of it."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from ftrecipe.rundir import now


def fresh_id() -> str:
    """Return a name that nothing else has."""
    return uuid.uuid4().hex


@dataclass
class Answer:
    """What one speaker said. ended: it came to its own end, and was neither cut nor stopped."""

    text: str
    ended: bool = True
    id: str = field(default_factory=fresh_id)
    time: str = field(default_factory=now)
    rating: str | None = None
    edited: str | None = None

    @property
    def kept(self) -> str:
        """What the conversation goes on with: the better text, where a person wrote one."""
        return self.text if self.edited is None else self.edited

    @property
    def judged(self) -> str | None:
        """The rating: a person's own; an answer that was broken off is none to learn from."""
        return self.rating or (None if self.ended or self.edited is not None else "down")


@dataclass
class Turn:
    """A question, and the answers to it by the name of who gave them; the tuned model's first."""

    question: str
    answers: dict[str, Answer] = field(default_factory=dict)
    id: str = field(default_factory=fresh_id)
    time: str = field(default_factory=now)


@dataclass
class Conversation:
    """What was said so far. Every speaker goes on from its own answers."""

    system: str = ""
    turns: list[Turn] = field(default_factory=list)
    id: str = field(default_factory=fresh_id)
    created: str = field(default_factory=now)

    def messages(self, speaker: str, question: str, since: int = 0) -> list[dict[str, Any]]:
        """Return what a speaker is asked: its own conversation from a turn on, and a question."""
        said: list[dict[str, Any]] = []
        if self.system:
            said.append({"role": "system", "content": self.system})
        for turn in self.turns[since:]:
            said.append({"role": "user", "content": turn.question})
            said.append({"role": "assistant", "content": turn.answers[speaker].kept})
        return [*said, {"role": "user", "content": question}]

    @property
    def answered(self) -> list[Turn]:
        """The turns in which the tuned model said something; no format has empty answers."""
        return [turn for turn in self.turns if next(iter(turn.answers.values())).kept.strip()]

    def row(self, model: str) -> dict[str, Any]:
        """Return it as a row of a chat log: the tuned model's words count, others' stand by."""
        messages: list[dict[str, Any]] = []
        for turn in self.answered:
            messages.append(
                {"id": turn.id, "role": "user", "content": turn.question, "time": turn.time}
            )
            (_, mine), *others = turn.answers.items()
            compared = [{"model": n, "content": a.text, "time": a.time} for n, a in others]
            messages.append(
                {"id": mine.id, "role": "assistant", "content": mine.text, "time": mine.time,
                 "rating": mine.judged, "edited": mine.edited, "model": model}
                | ({"compared": compared} if compared else {})
            )  # fmt: skip
        return {
            "id": self.id,
            "created": self.created,
            "model": model,
            "system": self.system or None,
            "rating": None,
            "messages": messages,
        }
