"""Plain text, all of it trained on: continued pretraining."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.data.columns import column_of
from ftrecipe.data.example import Example, OnOverlong, Text, Where

_ASKING = ("instruction", "question", "questions", "prompt", "messages", "conversations")


@GROUP.option("text")
@dataclass
class PlainText(Dataset):
    """A `text` column, or a .txt file's blocks between blank lines; cut into pieces that fit."""

    yields: ClassVar[str] = "text"
    required: ClassVar[tuple[str, ...]] = ("text",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {"text": ("text", "content", "document")}

    on_overlong: OnOverlong = OnOverlong.split

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        text = self.filled(self.template, record) if self.template else self.text("text", record)
        return [Text(where=where, text=text)]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        text = column_of(record, cls.synonyms["text"])
        alone = column_of(record, (*_ASKING, *ANSWERS)) is None
        return text is not None and alone and isinstance(record[text], str)
