"""Conversations as ShareGPT writes them: a list of turns with from and value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP
from ftrecipe.components.dataset.messages import Messages
from ftrecipe.components.dataset.turns import is_turns
from ftrecipe.data.columns import column_of


@GROUP.option("sharegpt")
@dataclass
class ShareGpt(Messages):
    """A `conversations` column; human, gpt, system, function_call and observation turns."""

    required: ClassVar[tuple[str, ...]] = ("messages",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "messages": ("conversations", "conversation", "messages", "dialogue", "dialog", "items"),
        "tools": ("tools", "functions"),
        "system": ("system", "system_prompt"),
        "answer": ANSWERS,
    }

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        column = column_of(record, cls.synonyms["messages"])
        turns = record[column] if column else None
        return is_turns(turns) and not any("role" in t for t in turns if isinstance(t, dict))
