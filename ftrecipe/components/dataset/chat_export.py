"""What all chat exports share: their entries become conversations, and those become examples."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ftrecipe.components.dataset import Dataset
from ftrecipe.components.model import Model
from ftrecipe.data.cleaning import Cleaning
from ftrecipe.data.conversations import Shape, Turn, answered, chats, conversations
from ftrecipe.data.entries import Entry
from ftrecipe.data.example import Example, RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.data.read import Row
from ftrecipe.data.reading import ChatCount, Reading
from ftrecipe.data.split import SplitBy
from ftrecipe.data.tokens.templates import SENDER_TAGS, Tags
from ftrecipe.errors import DataError, did_you_mean, listed
from ftrecipe.registry import bounded


@dataclass
class ChatExport(Dataset):
    """A chat that an app exported.

    assistant: the member whose messages are learned; None learns everybody's, with sender tags.
    gap_hours: a silence that begins a new conversation; None keeps a chat whole.
    context: how many earlier turns an example has at most; None for its whole conversation.
    """

    templated: ClassVar[bool] = False
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {}

    assistant: str | None = None
    gap_hours: float | None = bounded(6.0, 0)
    context: int | None = bounded(None, 1)
    tags: Tags = field(default_factory=Tags)

    def entries(self, files: list[DataFile]) -> Iterator[tuple[Where, Entry | RowFault]]:
        """Yield the entries of an export, each chat's in the order of time, with their places.

        What cannot be read as an entry is yielded as its fault. Raises DataError for a file that
        is not such an export.
        """
        raise NotImplementedError

    def rows(self, files: list[DataFile], reading: Reading) -> Iterator[Row]:
        yield from self.entries(files)
        for file in files:
            reading.encodings[file.encoding] += 1

    def gathered(
        self, rows: Iterable[Row], reading: Reading, cleaning: Cleaning
    ) -> Iterable[Example]:
        return cleaning.examples(self._conversations(rows, reading, cleaning))

    def _conversations(
        self, rows: Iterable[Row], reading: Reading, cleaning: Cleaning
    ) -> Iterator[Example]:
        gap = None if self.gap_hours is None else datetime.timedelta(hours=self.gap_hours)
        reading.chat = ChatCount()
        said = cleaning.entries(_counted(rows, reading, reading.chat))
        assistant = None if self.assistant is None else cleaning.alias(self.assistant)
        shape = Shape(gap, assistant, self.context)

        def leave(entry: Entry, why: str) -> None:
            content = {"sender": entry.sender, "text": entry.text, "kind": entry.kind.value}
            reading.leave(entry.where, "empty", why, 1, content)

        for number, turns in enumerate(conversations(said, shape, leave), 1):
            kept, rest = answered(turns, assistant)
            reading.used += sum(len(turn.texts) for turn in kept)
            self._leave(rest, reading, assistant)
            yield from chats(kept, shape, number)
        self._refuse_stranger(reading)
        reading.chat.rename(cleaning.shown)

    def _leave(self, turns: list[Turn], reading: Reading, assistant: str | None) -> None:
        for turn in turns:
            why = ("answers nobody of the conversation" if turn.sender == assistant
                   else f"no answer of {assistant} follows")  # fmt: skip
            content = {"sender": turn.sender, "text": turn.text}
            reading.leave(turn.where, "unanswered", why, len(turn.texts), content)

    def _refuse_stranger(self, reading: Reading) -> None:
        """Raise DataError when the assistant is nobody of the chat."""
        assert reading.chat is not None
        senders = [name for name, _ in reading.chat.senders.most_common()]
        if self.assistant is not None and senders and self.assistant not in senders:
            hint = did_you_mean(self.assistant, senders)
            raise DataError(f"dataset.assistant={self.assistant}: nobody of that name wrote in "
                            f"{reading.path}{hint} (senders: {listed(senders)})")  # fmt: skip

    def faults(self) -> list[str]:
        found = super().faults()
        if self.split.by is SplitBy.group or self.split.column is not None:
            what = "column" if self.split.by is not SplitBy.group else "by=group"
            found.append(f"dataset.split.{what}: chats have no columns; conversations always stay "
                         "together")  # fmt: skip
        for path in filter(None, (self.path, self.validation_path, self.test_path)):
            if isinstance(_located(path), HubId):
                found.append(f"{path} is no file here; {self.name()} reads exported files, and a "
                             "hub dataset has rows (dataset=messages, alpaca …)")  # fmt: skip
        return found

    def implied(self, model: Model) -> Model:
        """Return the model with sender tags, where everybody's messages are learned."""
        everyone = self.assistant is None and model.chat_template is None
        if everyone or model.chat_template == SENDER_TAGS:
            return self.tagged(model, self.tags)
        return model

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        raise AssertionError("a chat export has entries, not records")


def _located(path: str) -> object:
    try:
        return locate(path)
    except DataError:  # told with the other settings
        return None


def _counted(rows: Iterable[Row], reading: Reading, chat: ChatCount) -> Iterator[Entry]:
    for where, entry in rows:
        if isinstance(entry, RowFault):
            reading.fault(where, entry)
        else:
            chat.add(entry)
            yield entry
