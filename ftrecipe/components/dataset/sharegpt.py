"""Conversations as ShareGPT writes them: a list of turns with from and value."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.messages import Messages, listed_messages, until_answer
from ftrecipe.data.columns import as_text, column_of, missing
from ftrecipe.data.example import Example, Message, RowFault, Where
from ftrecipe.errors import listed

_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "system": "system",
    "observation": "tool",
    "tool": "tool",
}


@GROUP.option("sharegpt")
@dataclass
class ShareGpt(Messages):
    """A `conversations` column; human, gpt, system, function_call and observation turns."""

    required: ClassVar[tuple[str, ...]] = ("conversations",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "conversations": ("conversations", "conversation", "messages", "dialogue"),
        "system": ("system", "system_prompt"),
        "tools": ("tools",),
    }

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        column = self.column("conversations", record)
        if column is None:
            raise missing("conversations", record)
        messages = [_message(turn) for turn in listed_messages(record[column], column)]
        messages = until_answer(messages)
        system = self.optional("system", record)
        if system and messages[0]["role"] != "system":
            messages = [{"role": "system", "content": system}, *messages]
        return [self.conversation(messages, where, self.tools(record))]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        column = column_of(record, cls.synonyms["conversations"])
        turns = record[column] if column else None
        return isinstance(turns, list) and any(isinstance(t, dict) and "from" in t for t in turns)


def _message(turn: dict[str, Any]) -> Message:
    sender, text = turn.get("from"), as_text(turn.get("value"), "value")
    if sender == "function_call":
        return {"role": "assistant", "content": "", "tool_calls": _calls(text)}
    role = _ROLES.get(str(sender).casefold())
    if role is None:
        raise RowFault(f"a turn from {sender!r} (known: {listed([*_ROLES, 'function_call'])})")
    if role == "assistant" and not text.strip():
        raise RowFault("an answer of the assistant is empty")
    return {"role": role, "content": text}


def _calls(text: str) -> list[dict[str, Any]]:
    """Return the tool calls of a function_call turn: one JSON object or a list of them."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise RowFault(f"broken JSON in a function_call: {error.msg}") from None
    calls = value if isinstance(value, list) else [value]
    if not all(isinstance(call, dict) and "name" in call for call in calls):
        raise RowFault("a function_call without a name")
    return [{"type": "function", "function": call} for call in calls]
