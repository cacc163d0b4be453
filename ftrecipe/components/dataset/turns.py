"""Reads one list of messages, in OpenAI's or ShareGPT's words, into canonical messages."""

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from ftrecipe.data.columns import as_text, kind
from ftrecipe.data.example import EmptyFault, Message, RowFault
from ftrecipe.errors import did_you_mean, listed

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
SENDERS = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "system": "system",
    "observation": "tool",
    "function_response": "tool",
    "tool": "tool",
}
_CALLING = ("function_call", "tool_call")


def is_turns(value: object) -> TypeGuard[list[Any]]:
    """Say whether a cell holds a list of messages in either's words."""
    return isinstance(value, list) and any(
        isinstance(turn, dict) and ("role" in turn or {"from", "value"} <= turn.keys())
        for turn in value
    )


def listed_messages(value: object, column: str) -> list[dict[str, Any]]:
    """Return the cell's messages as they are. Raises RowFault when it is no list of objects."""
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        raise RowFault(f'column "{column}" holds {kind(value)}, not a list of messages')
    return value


def message_list(value: object, column: str) -> list[Message]:
    """Return the cell's messages in canonical form. Raises RowFault for what is none."""
    messages: list[Message] = []
    for turn in listed_messages([value] if isinstance(value, dict) else value, column):
        read = _of_openai(turn) if "role" in turn or "from" not in turn else _of_sharegpt(turn)
        if messages and "tool_calls" in read and _is_said_before_call(messages[-1], turn):
            messages[-1] = {**messages[-1], "tool_calls": read["tool_calls"]}
        else:
            messages.append(read)
    return messages


def _is_said_before_call(last: Message, turn: Mapping[str, Any]) -> bool:
    """Say whether ShareGPT's function_call goes on with what the assistant just said."""
    return "from" in turn and last["role"] == "assistant" and "tool_calls" not in last


def answered(messages: list[Message]) -> list[Message]:
    """Cut what comes after the last answer. Raises RowFault when there is none."""
    last = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=-1)
    if last < 0:
        roles = listed(sorted({message["role"] for message in messages})) or "none at all"
        raise RowFault(f"no answer: no message of the role assistant (roles: {roles})")
    return messages[: last + 1]


def tool_list(value: object, column: str) -> list[Any] | None:
    """Return tools as chat templates take them; text is read as JSON, bare functions wrapped."""
    tools = (
        parsed(value, f'column "{column}"') if isinstance(value, str) and value.strip() else value
    )
    if not tools:
        return None
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise RowFault(f'column "{column}" does not hold a list of tools')
    return [tool if "name" not in tool or "function" in tool else as_tool(tool) for tool in tools]


def as_tool(function: Mapping[str, Any]) -> dict[str, Any]:
    """Wrap a function's description as a tool."""
    return {"type": "function", "function": dict(function)}


def as_call(name: str, arguments: object, call_id: str | None = None) -> dict[str, Any]:
    """Return one call of a tool; its arguments are an object, as chat templates write it out."""
    if isinstance(arguments, str):
        arguments = parsed(arguments, f"the arguments of {name}") if arguments.strip() else {}
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise RowFault(f"the arguments of {name} are {kind(arguments)}, not an object")
    called = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return {"id": call_id, **called} if call_id else called


def parsed(text: str, what: str) -> Any:
    """Return what a JSON text holds. Raises RowFault, naming `what` it is."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RowFault(f"broken JSON in {what}: {error.msg}") from None
    except RecursionError:
        raise RowFault(f"broken JSON in {what}: nested too deeply") from None


def _of_openai(turn: Mapping[str, Any]) -> Message:
    role = turn.get("role")
    if role not in ROLES:
        hint = did_you_mean(str(role), ROLES)
        raise RowFault(f"a message of the role {role!r}{hint} (known: {listed(ROLES)})")
    # Parquet and Arrow fill absent keys with None, which templates take for a value.
    kept = {key: value for key, value in turn.items() if value is not None}
    legacy = kept.pop("function_call", None)
    calls = _calls(kept.pop("tool_calls", None) or ([legacy] if legacy else []))
    text = content_text(turn.get("content"))
    if role == "assistant" and not text.strip() and not calls:
        raise EmptyFault("an answer of the assistant is empty")
    if "weight" in kept:
        kept["weight"] = _weight(kept["weight"])
    message = {**kept, "role": "tool" if role == "function" else role, "content": text}
    return {**message, "tool_calls": calls} if calls else message


def _weight(weight: object) -> int:
    if weight not in (0, 1):
        raise RowFault(f"a message's weight is {weight!r}; it must be 0 or 1")
    return int(weight == 1)


def content_text(content: object) -> str:
    """Return a message's content as text: a string, or a list of text parts."""
    if isinstance(content, list):
        return "".join(_part(part) for part in content)
    return as_text(content, "content")


def _part(part: object) -> str:
    if isinstance(part, dict) and isinstance(part.get("text"), str):
        return as_text(part["text"], "content")
    if isinstance(part, dict) and isinstance(part.get("type"), str):
        raise RowFault(f"a message has a part of the type {part['type']}; only text is read")
    if isinstance(part, str):
        return as_text(part, "content")
    raise RowFault("a message has a part that is not text")


def _calls(calls: object) -> list[dict[str, Any]]:
    """Return tool calls, each with the name of a function and an object of arguments."""
    found: list[dict[str, Any]] = []
    for call in calls if isinstance(calls, list) else [None]:
        function = call.get("function", call) if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise RowFault("tool_calls is not a list of calls, each with the name of a function")
        call_id = call.get("id") if isinstance(call, dict) else None
        arguments = function.get("arguments", function.get("parameters"))
        found.append(as_call(function["name"], arguments, str(call_id) if call_id else None))
    return found


def _of_sharegpt(turn: Mapping[str, Any]) -> Message:
    sender, value = turn.get("from"), turn.get("value", turn.get("content"))
    if sender in _CALLING:
        text = as_text(value, "value") if not isinstance(value, (list, dict)) else None
        calls = parsed(text, f"a {sender}") if text is not None else value
        calls = calls if isinstance(calls, list) else [calls]
        if not calls or not all(isinstance(call, dict) and "name" in call for call in calls):
            raise RowFault(f"a {sender} without a name")
        return {"role": "assistant", "content": "", "tool_calls": _calls(calls)}
    role = SENDERS.get(str(sender).casefold())
    if role is None:
        raise RowFault(f"a turn from {sender!r} (known: {listed([*SENDERS, *_CALLING])})")
    text = as_text(value, "value")
    if role == "assistant" and not text.strip():
        raise EmptyFault("an answer of the assistant is empty")
    weight = turn.get("weight")
    return {"role": role, "content": text} | ({} if weight is None else {"weight": _weight(weight)})
