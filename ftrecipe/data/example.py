"""The canonical forms that every dataset format is read into, and where each row came from."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Message = dict[str, Any]


class OnOverlong(Enum):
    """What is done with a row of more tokens than `trainer.max_length`."""

    error = "error"
    drop = "drop"
    truncate = "truncate"
    split = "split"


class OnFaulty(Enum):
    """What is done with a row that cannot be used."""

    error = "error"
    drop = "drop"


class RowFault(Exception):  # noqa: N818
    """Why one row cannot be used, without saying where it stands."""


class ColumnFault(RowFault):
    """A column is missing: said once for a whole file."""


@dataclass(frozen=True)
class Where:
    """The place of one row; `unit` is line or row, `number` counts from 1."""

    file: str
    unit: str
    number: int

    def __str__(self) -> str:
        return f"{self.file} {self.unit} {self.number}"


@dataclass(frozen=True, kw_only=True)
class Example:
    """One training example. Its `prompt` decides on which side of a split it falls."""

    where: Where
    answers: list[str] = field(default_factory=list)

    @property
    def prompt(self) -> str:
        """All that comes before the first answer."""
        raise NotImplementedError

    @property
    def reply(self) -> str:
        """The first answer, which follows `prompt`."""
        return self.answers[0] if self.answers else ""


@dataclass(frozen=True, kw_only=True)
class Chat(Example):
    """A conversation whose last message is the assistant's; a chat template renders it."""

    messages: list[Message]
    tools: list[Any] | None = None

    @property
    def prompt(self) -> str:
        opening = []
        for message in self.messages:
            if message["role"] == "assistant":
                break
            opening.append(f"{message['role']}: {message['content']}")
        return "\n".join(opening)

    @property
    def reply(self) -> str:
        return next(m["content"] for m in self.messages if m["role"] == "assistant")

    @property
    def question(self) -> str:
        """What the last message of the user says."""
        asked = [m["content"] for m in self.messages if m["role"] == "user"]
        return asked[-1] if asked else ""


@dataclass(frozen=True, kw_only=True)
class Completion(Example):
    """A raw prompt and what follows it, put together without a template."""

    text: str
    completion: str

    @property
    def prompt(self) -> str:
        return self.text

    @property
    def question(self) -> str:
        """The prompt itself."""
        return self.text


@dataclass(frozen=True, kw_only=True)
class Text(Example):
    """Plain text; all of it is trained on."""

    text: str

    @property
    def prompt(self) -> str:
        return self.text
