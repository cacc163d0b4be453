"""Conversations that the chat interface logged, with what people thought of the answers."""

import dataclasses
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.messages import Messages
from ftrecipe.components.dataset.turns import listed_messages
from ftrecipe.data.columns import as_text, column_of, missing
from ftrecipe.data.example import Example, Message, RowFault, Unwanted, Where

_RATINGS = ("up", "down", None)
# Of a message; no template asks for them. What others answered, `compared`, is nobody's to learn.
_OURS = ("id", "time", "rating", "edited", "model", "compared")


class Ratings(Enum):
    """Which answers are learned."""

    all = "all"  # all that nobody rated down
    up = "up"  # only those that somebody rated up


@GROUP.option("chatlog")
@dataclass
class Chatlog(Messages):
    """One conversation a line (JSON Lines), as `schemas/chatlog.json` has it.

    `id`; `created`, an ISO time; `messages`, each with `role` and `content`, and `id`, `time`,
    `rating` ("up" or "down") and `edited`, a better text, where there are such; `model`, `system`
    and `rating` of the whole, which holds for the answers that have none of their own.

    An edited answer is learned as it was edited, whatever its rating. One that was rated down is
    context of those that follow. A conversation is never divided between splits, and its time is
    when it began; one without an answer to learn is left out. ratings: which of the other
    answers are learned.
    """

    narrow: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("messages",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        **Messages.synonyms,
        "id": ("id",),
        "created": ("created",),
        "system": ("system",),
    }

    ratings: Ratings = Ratings.all

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        column = self.column("messages", record)
        if column is None:
            raise missing("messages", record)
        said = listed_messages(record[column], column)
        system = self.optional("system", record)
        if system and not (said and said[0].get("role") in ("system", "developer")):
            said = [{"role": "system", "content": system}, *said]
        learned = self._weighed(said, _rating(record))
        group, time = self.optional("id", record) or None, self._time(record)
        found = super().examples({**record, column: learned}, where)
        return [dataclasses.replace(example, group=group, time=time) for example in found]

    def _weighed(self, messages: list[Message], rating: str | None) -> list[Message]:
        """Return the messages up to the last one that is learned; what is not has weight 0."""
        kept = [self._message(message, rating) for message in messages]
        answers = [at for at, message in enumerate(kept) if message.get("role") == "assistant"]
        learned = [at for at in answers if kept[at].get("weight") != 0]
        if answers and not learned:
            up = self.ratings is Ratings.up
            raise Unwanted("no answer was rated up" if up else "every answer was rated down")
        return kept[: learned[-1] + 1] if learned else kept

    def _message(self, message: Message, rating: str | None) -> Message:
        kept = {key: value for key, value in message.items() if key not in _OURS}
        edited = as_text(message.get("edited"), "edited").strip()
        if edited:
            kept["content"] = edited
        elif message.get("role") == "assistant" and not self._learns(_rating(message) or rating):
            kept["weight"] = 0
        return kept

    def _learns(self, rating: str | None) -> bool:
        return rating == "up" or (rating is None and self.ratings is Ratings.all)

    def _time(self, record: dict[str, Any]) -> datetime.datetime | None:
        """Return when the conversation began, in UTC where it names no zone."""
        text = self.optional("created", record)
        try:
            time = datetime.datetime.fromisoformat(text) if text else None
        except ValueError:
            raise RowFault(f'no time in column "created": {text[:40]!r}') from None
        return time.replace(tzinfo=datetime.UTC) if time and time.tzinfo is None else time

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        known = all(column_of(record, [key]) for key in ("id", "created"))
        return known and Messages.fits(record)


def _rating(record: Mapping[str, Any]) -> str | None:
    rating = record.get("rating")
    if rating not in _RATINGS:
        raise RowFault(f"a rating of {str(rating)[:40]!r} (known: up, down)")
    return rating
