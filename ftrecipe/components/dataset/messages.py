"""Conversations as OpenAI writes them: a list of messages with role and content."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.data.columns import as_text, column_of, kind, missing
from ftrecipe.data.example import Example, Message, RowFault, Where
from ftrecipe.errors import did_you_mean, listed

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


@GROUP.option("messages")
@dataclass
class Messages(Dataset):
    """A `messages` column; content may be text or a list of text parts; tools are kept."""

    required: ClassVar[tuple[str, ...]] = ("messages",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "messages": ("messages", "conversation", "conversations", "dialogue", "chat"),
        "tools": ("tools", "functions"),
    }
    templated: ClassVar[bool] = False

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        column = self.column("messages", record)
        if column is None:
            raise missing("messages", record)
        messages = [_message(message) for message in listed_messages(record[column], column)]
        return [self.conversation(until_answer(messages), where, self.tools(record))]

    def tools(self, record: Mapping[str, Any]) -> list[Any] | None:
        """Return the tools that the assistant may call; text is read as JSON."""
        column = self.column("tools", record)
        tools: Any = record[column] if column else None
        if isinstance(tools, str) and tools.strip():
            try:
                tools = json.loads(tools)
            except json.JSONDecodeError as error:
                raise RowFault(f'broken JSON in column "{column}": {error.msg}') from None
        if not tools:
            return None
        if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
            raise RowFault(f'column "{column}" does not hold a list of tools')
        return tools

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        column = column_of(record, cls.synonyms["messages"])
        turns = record[column] if column else None
        return isinstance(turns, list) and any(isinstance(m, dict) and "role" in m for m in turns)


def listed_messages(value: object, column: str) -> list[dict[str, Any]]:
    """Return the cell's messages. Raises RowFault when it is not a list of objects."""
    if not isinstance(value, list) or not all(isinstance(message, dict) for message in value):
        raise RowFault(f'column "{column}" holds {kind(value)}, not a list of messages')
    return value


def until_answer(messages: list[Message]) -> list[Message]:
    """Cut what comes after the last answer. Raises RowFault when there is none."""
    last = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=-1)
    if last < 0:
        roles = listed(sorted({message["role"] for message in messages})) or "none at all"
        raise RowFault(f"no answer: no message of the role assistant (roles: {roles})")
    return messages[: last + 1]


def _message(message: dict[str, Any]) -> Message:
    role = message.get("role")
    if role not in _ROLES:
        hint = did_you_mean(str(role), _ROLES)
        raise RowFault(f"a message of the role {role!r}{hint} (known: {listed(_ROLES)})")
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    text = as_text(content, "content")
    if role == "assistant" and not text.strip() and not message.get("tool_calls"):
        raise RowFault("an answer of the assistant is empty")
    if calls := message.get("tool_calls"):
        _refuse_odd_calls(calls)
    # Parquet and Arrow fill absent keys with None, which templates take for a value.
    kept = {key: value for key, value in message.items() if value is not None}
    return {**kept, "content": text}


def _refuse_odd_calls(calls: object) -> None:
    for call in calls if isinstance(calls, list) else [None]:
        function = call.get("function", call) if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise RowFault("tool_calls is not a list of calls, each with the name of a function")


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return part["text"]
    raise RowFault("a message has a part that is not text")
