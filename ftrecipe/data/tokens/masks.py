"""Which parts of a conversation are trained on, and whether a template's own marks agree."""

import re
from collections.abc import Callable, Collection, Sequence
from enum import Enum

from ftrecipe.data.example import Message, RowFault

Span = tuple[int, int]

MARKED = re.compile(r"\{%[-+]?\s*generation\s*[-+]?%\}")


class TrainOn(Enum):
    """What is learned of a conversation: every answer, only the last one, or every token."""

    answers = "answers"
    last_answer = "last_answer"
    everything = "everything"


class Unsupervised(RowFault):
    """A row of which no token would be trained on."""


def answers(messages: Sequence[Message]) -> list[int]:
    """Return which messages are the assistant's."""
    return [turn for turn, message in enumerate(messages) if message["role"] == "assistant"]


def trained_answers(messages: Sequence[Message], train_on: TrainOn) -> list[int]:
    """Return which messages are answers to train on.

    An answer of weight 0 is context. Raises RowFault for a weight that is neither 0 nor 1, and
    Unsupervised where nothing is left to train on.
    """
    every = answers(messages)
    wanted = every[-1:] if train_on is TrainOn.last_answer else every
    trained = [turn for turn in wanted if _weight(messages[turn])]
    if not trained:
        why = "every answer has weight 0" if wanted else "no answer"
        raise Unsupervised(f"{why}: no token of it would be trained on")
    return trained


def _weight(message: Message) -> bool:
    weight = message.get("weight")
    if weight is None:
        return True
    if not isinstance(weight, (int, float)) or weight not in (0, 1):
        raise RowFault(f"weight {weight}: only 0 and 1 are supported")
    return bool(weight)


def disagreement(
    text: str,
    ours: Sequence[Span],
    opened: Sequence[Callable[[], int]],
    marked: Sequence[Span],
    ends: Collection[str],
) -> str | None:
    """Return what of `text` is trained on and not marked by the template, or the other way round.

    Only marks of answers that are trained on count; one may begin where its message is `opened`,
    with what the model is given. Whitespace and the tokens `ends` are nothing.
    """
    for (start, end), opening in zip(ours, opened, strict=True):
        over = [mark for mark in marked if mark[0] < end and mark[1] > start]
        if not over:
            return f"{text[start:end][:80]!r} is trained on and not marked"
        first, last = over[0][0], over[-1][1]
        if first < start and opening() <= first:
            first = start
        for left, right, whose in (
            (min(first, start), max(first, start), "marked" if first < start else "trained on"),
            (min(last, end), max(last, end), "marked" if last > end else "trained on"),
        ):
            if rest := _bare(text[left:right], ends):
                return f"{rest[:80]!r} is {whose} alone"
    return None


def _bare(text: str, ends: Collection[str]) -> str:
    """Return the text without end tokens and outer whitespace."""
    if not text.strip():
        return ""
    for token in ends:
        text = text.replace(token, "")
    return text.strip()
