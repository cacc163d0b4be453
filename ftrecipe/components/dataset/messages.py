"""Conversations as OpenAI writes them: a list of messages with role and content."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.components.dataset.turns import (
    answered,
    content_text,
    is_turns,
    message_list,
    tool_list,
)
from ftrecipe.data.columns import as_text, column_of, missing
from ftrecipe.data.example import Example, Message, Where

_LISTS = ("messages", "conversation", "conversations", "dialogue", "dialog", "chat", "prompt")
_TRUTHS = ("ground_truth", "answer", "solution", "target")
_HOLDERS = ("reward_model", "reward_func_args", "extra_info", "metadata")


@GROUP.option("messages")
@dataclass
class Messages(Dataset):
    """A `messages` column; content may be text or a list of text parts; tools are kept.

    A conversation that ends with the question is answered by the row's `answer` column, or by the
    ground truth that data for reinforcement learning keeps (`reward_model.ground_truth`).
    """

    required: ClassVar[tuple[str, ...]] = ("messages",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "messages": _LISTS,
        "tools": ("tools", "functions"),
        "system": ("system", "system_prompt"),
        "answer": ANSWERS,
    }
    templated: ClassVar[bool] = False

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        column = self.column("messages", record)
        if column is None:
            raise missing("messages", record)
        messages = message_list(record[column], column)
        note: tuple[str, ...] = ()
        if messages and messages[-1]["role"] == "user" and (truth := self._truth(record)):
            messages = [*messages, {"role": "assistant", "content": truth[1]}]
            note = (f"answers were taken from {truth[0]}",)
        until = answered(messages)
        if len(until) < len(messages):
            note = (*note, "what was said after the last answer was left out")
        made = self.conversation(self._led(until, record), where, self.tools(record))
        return [replace(made, notes=(*made.notes, *note))]

    def _led(self, messages: list[Message], record: Mapping[str, Any]) -> list[Message]:
        """Return the messages with the row's system prompt before them, where they have none."""
        column = self.column("system", record)
        parts = record[column] if column else None
        listed = isinstance(parts, list)
        system = content_text(parts) if listed else self.optional("system", record)
        if not system or messages[0]["role"] in ("system", "developer"):
            return messages
        return [{"role": "system", "content": system}, *messages]

    def _truth(self, record: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return where the answer to an open conversation stands, and the answer."""
        column = self.column("answer", record)
        if column is not None and isinstance(record[column], str) and record[column].strip():
            return column, as_text(record[column], column)
        for holder in (name for name in _HOLDERS if isinstance(record.get(name), dict)):
            name = column_of(record[holder], _TRUTHS)
            value = record[holder][name] if name else None
            if isinstance(value, (str, int, float)) and str(value).strip():
                return f"{holder}.{name}", as_text(value, f"{holder}.{name}")
        return None

    def tools(self, record: Mapping[str, Any]) -> list[Any] | None:
        """Return the tools that the assistant may call; text is read as JSON."""
        column = self.column("tools", record)
        return tool_list(record[column], column) if column else None

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        column = column_of(record, cls.synonyms["messages"])
        turns = record[column] if column else None
        if not is_turns(turns) or not any("role" in t for t in turns if isinstance(t, dict)):
            return False
        return column != "prompt" or column_of(record, ["completion", "response"]) is None
