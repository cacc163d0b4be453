"""Makes training examples of a chat's entries: merges, cuts by time gaps, chooses who is learned."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ftrecipe.data.entries import Entry
from ftrecipe.data.example import Chat, Message, Where


@dataclass
class Turn:
    """Consecutive messages of one sender, joined."""

    where: Where
    sender: str
    texts: list[str]
    time: datetime.datetime | None
    rows: int = 1

    def message(self, assistant: str | None) -> Message:
        """Return it as a message; whoever is not the assistant is a user."""
        role = "assistant" if self.sender == assistant else "user"
        return {"role": role, "name": self.sender, "content": "\n".join(self.texts)}


@dataclass
class Shape:
    """How conversations are cut out of a chat.

    gap: a silence of more than this begins a new conversation; None for never.
    assistant: whose messages are learned; None learns everybody's, with a sender tag.
    context: how many earlier turns an example has at most; None for all of its conversation.
    """

    gap: datetime.timedelta | None
    assistant: str | None
    context: int | None


def conversations(entries: Iterable[Entry], shape: Shape) -> Iterator[list[Turn]]:
    """Yield the conversations of one or more chats; entries without a sender or text are none."""
    going: dict[str, list[Turn]] = {}
    latest: dict[str, datetime.datetime] = {}
    for entry in entries:
        if entry.sender is None or not entry.text.strip():
            continue
        turns = going.setdefault(entry.chat, [])
        if turns and _is_cut(latest.get(entry.chat), entry.time, shape.gap):
            yield turns
            turns = going[entry.chat] = []
        if turns and turns[-1].sender == entry.sender:
            turns[-1].texts.append(entry.text)
            turns[-1].rows += 1
        else:
            turns.append(Turn(entry.where, entry.sender, [entry.text], entry.time))
        if entry.time is not None:
            latest[entry.chat] = entry.time
    yield from (turns for turns in going.values() if turns)


def _is_cut(
    before: datetime.datetime | None,
    time: datetime.datetime | None,
    gap: datetime.timedelta | None,
) -> bool:
    return gap is not None and before is not None and time is not None and time - before > gap


def answers(turns: list[Turn], assistant: str) -> list[int]:
    """Return where the assistant answers somebody: the turns of its own that are not the first."""
    return [at for at, turn in enumerate(turns) if turn.sender == assistant and at > 0]


def answered(turns: list[Turn], assistant: str | None) -> tuple[list[Turn], list[Turn]]:
    """Divide a conversation into what ends with an answer, and what nobody answered."""
    if assistant is None:
        return turns, []
    end = max(answers(turns, assistant), default=-1) + 1
    return turns[:end], turns[end:]


def chats(turns: list[Turn], shape: Shape, number: int) -> Iterator[Chat]:
    """Yield the examples of one conversation that ends with an answer; they are one group."""
    if shape.assistant is None:
        yield from _everyone(turns, shape, number)
    else:
        yield from _assistant(turns, shape, shape.assistant, number)


def _everyone(turns: list[Turn], shape: Shape, number: int) -> Iterator[Chat]:
    """Yield pieces of `context` turns and one more, in which everything said is learned."""
    size = len(turns) if shape.context is None else shape.context + 1
    for start in range(0, len(turns), size):
        piece = turns[start : start + size]
        messages = [turn.message(piece[-1].sender) for turn in piece]
        yield _chat(piece, messages, number, everyone=True)


def _assistant(turns: list[Turn], shape: Shape, name: str, number: int) -> Iterator[Chat]:
    """Yield the conversation up to its last answer; with a window, one example an answer."""
    if not turns:
        return
    if shape.context is None:
        yield _chat(turns, [turn.message(name) for turn in turns], number)
        return
    for at in answers(turns, name):
        piece = turns[max(0, at - shape.context) : at + 1]
        messages = [turn.message(name) for turn in piece]
        for message in messages[:-1]:
            if message["role"] == "assistant":
                message["weight"] = 0  # it is the answer of an example of its own
        yield _chat(piece, messages, number)


def _chat(
    turns: list[Turn], messages: list[Message], number: int, everyone: bool = False
) -> Chat:
    return Chat(
        where=turns[0].where,
        answers=[messages[-1]["content"]],
        group=f"{turns[0].where.file} conversation {number}",
        time=turns[0].time,
        rows=sum(turn.rows for turn in turns),
        messages=messages,
        everyone=everyone,
    )
