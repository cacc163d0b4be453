"""Conversations as Gemini's tuning files write them: contents of parts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.components.dataset.turns import answered, as_call, as_tool
from ftrecipe.data.columns import as_text, column_of, kind, missing
from ftrecipe.data.example import EmptyFault, Example, Message, RowFault, Where
from ftrecipe.errors import listed

_ROLES = {"user": "user", "model": "assistant", "assistant": "assistant", "function": "user",
          "tool": "user", "system": "system"}  # fmt: skip
_SYSTEM = ("systemInstruction", "system_instruction")
_TOOLS = ("tools",)


@GROUP.option("gemini")
@dataclass
class Gemini(Dataset):
    """`contents` with `parts`, and a `systemInstruction`; calls of functions and their results."""

    narrow: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("contents",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "contents": ("contents",),
        "system": _SYSTEM,
        "tools": _TOOLS,
    }
    templated: ClassVar[bool] = False

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        column = self.column("contents", record)
        if column is None:
            raise missing("contents", record)
        contents = record[column]
        if not isinstance(contents, list) or not all(isinstance(one, dict) for one in contents):
            raise RowFault(f'column "{column}" holds {kind(contents)}, not a list of contents')
        messages = [message for content in contents for message in _messages(content)]
        system = self.column("system", record)
        if system and (text := _instruction(record[system])):
            messages = [{"role": "system", "content": text}, *messages]
        return [self.conversation(answered(messages), where, self._tools(record))]

    def _tools(self, record: Mapping[str, Any]) -> list[Any] | None:
        """Return the declared functions as tools."""
        column = self.column("tools", record)
        groups = record[column] if column else None
        if not groups:
            return None
        if not isinstance(groups, list) or not all(isinstance(one, dict) for one in groups):
            raise RowFault(f'column "{column}" does not hold a list of tools')
        names = ("functionDeclarations", "function_declarations")
        found = [one.get(name) for one in groups for name in names if one.get(name)]
        functions = [function for several in found for function in _list(several)]
        return [as_tool(function) for function in functions if isinstance(function, dict)] or None

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        column = column_of(record, ["contents"])
        contents = record[column] if column else None
        return isinstance(contents, list) and any(
            isinstance(one, dict) and "parts" in one for one in contents
        )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _instruction(value: object) -> str:
    """Return a system instruction: text, or a content with parts."""
    if not isinstance(value, dict):
        return as_text(value, "systemInstruction").strip()
    return "".join(_text(part) for part in _list(value.get("parts") or []))


def _messages(content: Mapping[str, Any]) -> list[Message]:
    """Return what one content holds: a message, its calls, or the results of some."""
    sender = content.get("role") or "user"
    role = _ROLES.get(str(sender))
    if role is None:
        raise RowFault(f"a content of the role {sender!r} (known: {listed([*_ROLES])})")
    parts = _list(content.get("parts") or [])
    results = [result for part in parts if (result := _field(part, "functionResponse"))]
    calls = [call for part in parts if (call := _field(part, "functionCall"))]
    text = "".join(_text(part) for part in parts)
    if results:
        said = [{"role": role, "content": text}] if text.strip() else []
        return [*said, *(_result(result) for result in results)]
    if role == "assistant" and not text.strip() and not calls:
        raise EmptyFault("an answer of the model is empty")
    message: Message = {"role": role, "content": text}
    return [{**message, "tool_calls": [_call(call) for call in calls]} if calls else message]


def _field(part: object, name: str) -> Any:
    """Return a field of a part in its camel or snake form, or None."""
    snake = {"functionCall": "function_call", "functionResponse": "function_response"}[name]
    return (part.get(name) or part.get(snake)) if isinstance(part, dict) else None


def _text(part: object) -> str:
    if isinstance(part, str):
        return as_text(part, "parts")
    if not isinstance(part, dict):
        raise RowFault("a content has a part that is not text")
    if (
        part.get("thought") is True
        or _field(part, "functionCall")
        or _field(part, "functionResponse")
    ):
        return ""
    if not isinstance(part.get("text"), str):
        names = listed([str(key) for key in part]) or "nothing"
        raise RowFault(f"a content has a part with {names}; only text is read")
    return as_text(part["text"], "parts")


def _call(call: object) -> dict[str, Any]:
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        raise RowFault("a functionCall without a name")
    return as_call(call["name"], call.get("args"))


def _result(result: object) -> Message:
    if not isinstance(result, dict) or not isinstance(result.get("name"), str):
        raise RowFault("a functionResponse without a name")
    response = result.get("response")
    if isinstance(response, dict) and list(response) == ["output"]:
        output = response["output"]
        response = output if isinstance(output, str) else response
    text = response if isinstance(response, str) else json.dumps(response, ensure_ascii=False)
    return {"role": "tool", "name": result["name"], "content": as_text(text, "response")}
