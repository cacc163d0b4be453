"""Makes training examples of a chat: merges turns, cuts at silences, chooses who is learned."""

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ftrecipe.data.entries import Entry
from ftrecipe.data.example import Chat, Message, Where

Leave = Callable[[Entry, str], None]  # is told of an entry that no conversation takes, and why


@dataclass
class Turn:
    """Consecutive messages of one sender; `texts` holds each of them."""

    where: Where
    sender: str
    texts: list[str]
    time: datetime.datetime | None

    @property
    def text(self) -> str:
        """All that was said, a line each."""
        return "\n".join(self.texts)


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


def conversations(entries: Iterable[Entry], shape: Shape, leave: Leave) -> Iterator[list[Turn]]:
    """Yield the conversations of one or more chats; `leave` is told of what belongs to none."""
    going: dict[str, list[Turn]] = {}
    latest: dict[str, datetime.datetime] = {}
    for entry in entries:
        if entry.sender is None or not entry.text.strip():
            leave(entry, "nothing was said" if entry.sender is not None else "nobody said it")
            continue
        turns = going.setdefault(entry.chat, [])
        if turns and _is_cut(latest.get(entry.chat), entry.time, shape.gap):
            yield turns
            turns = going[entry.chat] = []
        if turns and turns[-1].sender == entry.sender:
            turns[-1].texts.append(entry.text)
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


def answered(turns: list[Turn], assistant: str | None) -> tuple[list[Turn], list[Turn]]:
    """Divide a conversation into what ends with an answer to somebody, and all the rest."""
    if assistant is None:
        return turns, []
    asked = next((at for at, turn in enumerate(turns) if turn.sender != assistant), len(turns))
    replies = [at for at, turn in enumerate(turns) if turn.sender == assistant and at > asked]
    if not replies:
        return [], turns
    end = replies[-1] + 1
    return turns[asked:end], [*turns[:asked], *turns[end:]]


def chats(turns: list[Turn], shape: Shape, number: int) -> Iterator[Chat]:
    """Yield the examples of one conversation that ends with an answer; they are one group."""
    if not turns:
        return
    if shape.assistant is None:
        size = len(turns) if shape.context is None else shape.context + 1
        for start in range(0, len(turns), size):
            yield _everyone(turns[start : start + size], number)
    elif shape.context is None:
        yield _answering(turns, shape.assistant, number)
    else:
        replies = [at for at, turn in enumerate(turns) if turn.sender == shape.assistant]
        for at in replies:
            window = turns[max(0, at - shape.context) : at + 1]
            asked = next(n for n, turn in enumerate(window) if turn.sender != shape.assistant)
            yield _answering(window[asked:], shape.assistant, number, last_only=True)


def _everyone(turns: list[Turn], number: int) -> Chat:
    """Return an example in which all is learned; the last to speak counts as the assistant."""
    last = turns[-1].sender
    messages: list[Message] = [
        {"role": "assistant" if turn.sender == last else "user",
         "name": turn.sender, "content": turn.text}
        for turn in turns
    ]  # fmt: skip
    return _chat(turns, messages, number, everyone=True)


def _answering(turns: list[Turn], assistant: str, number: int, last_only: bool = False) -> Chat:
    """Return an example of the assistant's answers; with `last_only`, the others are context."""
    messages = _alternating(turns, assistant)
    if last_only:
        for message in messages[:-1]:
            if message["role"] == "assistant":
                message["weight"] = 0  # it is the answer of an example of its own
    return _chat(turns, messages, number)


def _alternating(turns: list[Turn], assistant: str) -> list[Message]:
    """Return user and assistant by turns, as chat templates want it.

    What several members say before an answer is one message, each with their name.
    """
    several = len({turn.sender for turn in turns}) > 2
    messages: list[Message] = []
    for turn in turns:
        role = "assistant" if turn.sender == assistant else "user"
        said = f"{turn.sender}: {turn.text}" if several and role == "user" else turn.text
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += f"\n{said}"
        else:
            name = {} if several and role == "user" else {"name": turn.sender}
            messages.append({"role": role, **name, "content": said})
    return messages


def _chat(turns: list[Turn], messages: list[Message], number: int, everyone: bool = False) -> Chat:
    return Chat(
        where=turns[0].where,
        answers=[messages[-1]["content"]],
        group=f"{turns[0].where.file} conversation {number}",
        time=turns[0].time,
        rows=sum(len(turn.texts) for turn in turns),
        messages=messages,
        everyone=everyone,
    )
