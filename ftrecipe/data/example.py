"""The canonical forms that every dataset format is read into, and where each row came from."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, NamedTuple

Message = dict[str, Any]


class OnOverlong(Enum):
    """What is done with a row of more tokens than `trainer.max_length`."""

    error = "error"
    drop = "drop"
    truncate_left = "truncate_left"
    truncate_right = "truncate_right"
    split = "split"


class RowFault(Exception):  # noqa: N818
    """Why one row cannot be used, without saying where it stands."""


class ColumnFault(RowFault):
    """A column is missing: said once for a whole file."""


class Unwanted(RowFault):
    """A row is well formed, and the settings of its dataset leave it out: it is no bad row."""


class EmptyFault(RowFault):
    """A row is well formed and has nothing to learn from: its answer is empty."""


class Where(NamedTuple):
    """The place of one row; `unit` is line or row, `number` counts from 1.

    part: which of several things that are made of the row: its chosen answer, its rejected one.
    """

    file: str
    unit: str
    number: int
    part: str = ""

    def __str__(self) -> str:
        part = f" ({self.part})" if self.part else ""
        return f"{self.file} {self.unit} {self.number}{part}"


@dataclass(frozen=True, kw_only=True)
class Example:
    """One training example. Its `group` decides on which side of a split it falls.

    where: the row it came from, the first of several.
    answers: the accepted answers to its last question, the first one being trained.
    group: examples of one group are never on both sides of a split; its prompt where None.
    time: when it was said, for splits by time.
    rows: how many rows of the source it was made of.
    source: the name of its source in a mix.
    notes: what was undone to read it, such as a template taken apart; for the report.
    """

    where: Where
    answers: list[str] = field(default_factory=list)
    group: str | None = None
    time: datetime.datetime | None = None
    rows: int = 1
    source: str = ""
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def prompt(self) -> str:
        """All that comes before the first answer."""
        raise NotImplementedError

    @property
    def reply(self) -> str:
        """The first answer, which follows `prompt`."""
        return self.answers[0] if self.answers else ""

    def texts(self) -> list[str]:
        """Return every text of it that a person wrote, in order."""
        raise NotImplementedError

    def map(self, change: Callable[[str], str]) -> "Example":
        """Return the example with `change` applied to each of its texts; itself if none changed."""
        raise NotImplementedError

    def map_all(self, change: Callable[[str], str]) -> "Example":
        """Do as `map` does, and also for senders' names and what tools are called with."""
        return self.map(change)

    def plain(self) -> dict[str, Any]:
        """Return its content as JSON values, for people to read."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Chat(Example):
    """A conversation whose last message is the assistant's; a chat template renders it.

    A message may have `weight` 0 (not trained) or 1, and `name`, its sender.
    everyone: all messages are learned, whoever said them (a chat export with no assistant).
    """

    messages: list[Message]
    tools: list[Any] | None = None
    everyone: bool = False

    @property
    def prompt(self) -> str:
        opening = []
        for message in self.messages:
            if message["role"] == "assistant" and not self.everyone:
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

    def texts(self) -> list[str]:
        return [message["content"] for message in self.messages]

    def map(self, change: Callable[[str], str]) -> "Chat":
        messages = _changed(self.messages, change)
        answers = _each(self.answers, change)
        if messages is self.messages and answers == self.answers:
            return self
        return replace(self, messages=messages, answers=answers)

    def map_all(self, change: Callable[[str], str]) -> "Chat":
        messages = _everywhere(self.messages, change)
        answers = _each(self.answers, change)
        if messages == self.messages and answers == self.answers:
            return self
        return replace(self, messages=messages, answers=answers)

    def plain(self) -> dict[str, Any]:
        tools = {"tools": self.tools} if self.tools else {}
        return {"messages": self.messages, **tools}


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

    def texts(self) -> list[str]:
        return [self.text, self.completion]

    def map(self, change: Callable[[str], str]) -> "Completion":
        text, completion = change(self.text), change(self.completion)
        if text == self.text and completion == self.completion:
            return self
        answers = _each(self.answers, change)
        return replace(self, text=text, completion=completion, answers=answers)

    def plain(self) -> dict[str, Any]:
        return {"prompt": self.text, "completion": self.completion}


@dataclass(frozen=True, kw_only=True)
class Text(Example):
    """Plain text; all of it is trained on."""

    text: str

    @property
    def prompt(self) -> str:
        return self.text

    def texts(self) -> list[str]:
        return [self.text]

    def map(self, change: Callable[[str], str]) -> "Text":
        text = change(self.text)
        return self if text == self.text else replace(self, text=text)

    def plain(self) -> dict[str, Any]:
        return {"text": self.text}


@dataclass(frozen=True, kw_only=True)
class Preference(Example):
    """A conversation up to a question, and two answers to it: the better one and the worse."""

    messages: list[Message]
    chosen: list[Message]
    rejected: list[Message]
    tools: list[Any] | None = None

    @property
    def prompt(self) -> str:
        return "\n".join(f"{m['role']}: {m['content']}" for m in self.messages)

    @property
    def reply(self) -> str:
        return "\n".join(message["content"] for message in self.chosen)

    def texts(self) -> list[str]:
        return [m["content"] for m in (*self.messages, *self.chosen, *self.rejected)]

    def map(self, change: Callable[[str], str]) -> "Preference":
        parts = [_changed(part, change) for part in (self.messages, self.chosen, self.rejected)]
        messages, chosen, rejected = parts
        if messages is self.messages and chosen is self.chosen and rejected is self.rejected:
            return self
        answers = _each(self.answers, change)
        return replace(self, messages=messages, chosen=chosen, rejected=rejected, answers=answers)

    def map_all(self, change: Callable[[str], str]) -> "Preference":
        own = [self.messages, self.chosen, self.rejected]
        parts = [_everywhere(part, change) for part in own]
        if parts == own:
            return self
        messages, chosen, rejected = parts
        answers = _each(self.answers, change)
        return replace(self, messages=messages, chosen=chosen, rejected=rejected, answers=answers)

    def plain(self) -> dict[str, Any]:
        tools = {"tools": self.tools} if self.tools else {}
        return {"prompt": self.messages, "chosen": self.chosen, "rejected": self.rejected, **tools}


@dataclass(frozen=True, kw_only=True)
class Rated(Chat):
    """A conversation whose last answer somebody found good or bad (KTO)."""

    label: bool

    def plain(self) -> dict[str, Any]:
        last = len(self.messages) - 1
        return {"prompt": self.messages[:last], "completion": self.messages[last:],
                "label": self.label}  # fmt: skip


def _changed(messages: list[Message], change: Callable[[str], str]) -> list[Message]:
    """Return messages with their contents changed; the very list if none was."""
    contents = [change(message["content"]) for message in messages]
    if all(new == message["content"] for new, message in zip(contents, messages, strict=True)):
        return messages
    return [{**m, "content": new} for m, new in zip(messages, contents, strict=True)]


def _each(texts: list[str], change: Callable[[str], str]) -> list[str]:
    return [change(text) for text in texts]


def _everywhere(messages: list[Message], change: Callable[[str], str]) -> list[Message]:
    """Return messages with every text in them changed, however deep, except their roles."""
    return [
        {key: value if key == "role" else _deep(value, change) for key, value in message.items()}
        for message in messages
    ]


def _deep(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_deep(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _deep(item, change) for key, item in value.items()}
    return value
