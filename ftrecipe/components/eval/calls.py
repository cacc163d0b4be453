"""Calls of tools as models write them (Hermes, Qwen, Llama, Mistral) and as OpenAI's messages."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Call = dict[str, Any]
"""`name` and `arguments`; a call that cannot be read has the name None and the text."""

HERMES, LLAMA, MISTRAL = "<tool_call>", "<|python_tag|>", "[TOOL_CALLS]"
MARKERS = (HERMES, "</tool_call>", LLAMA, MISTRAL, "[ARGS]", "[CALL_ID]")
"""What tokenizers may hold for special tokens, though it is a part of what is said."""

_JSON = json.JSONDecoder()
_SEPARATORS = re.compile(r"[\s;,]*")
# Mistral's newer form; what is in brackets is lost where special tokens are.
_NAMED = re.compile(r"\s*([A-Za-z_][\w.-]*)(?:\[CALL_ID\]\s*\w+)?(?:\s*\[ARGS\]\s*)?(?=\{)")
_BOTH = (HERMES, MISTRAL)


def calls_of(message: Mapping[str, Any]) -> list[Call]:
    """Return the calls of a message in OpenAI's form, whose arguments may be JSON as text."""
    found = []
    for call in message.get("tool_calls") or []:
        function = {"arguments": {}, **call.get("function", call)}
        found.append(_call(function) or {"name": None, "arguments": str(function)})
    return found


def calls_in(text: str) -> list[Call]:
    """Return the calls that a model's answer makes; none where it says something else.

    Without a marker, an answer is a call only where all of it is.
    """
    mark = next((mark for mark in _BOTH if mark in text), None)
    if mark is not None:
        return [call for part in text.split(mark)[1:] for call in _first(part)]
    rest = text.partition(LLAMA)[2] if LLAMA in text else text
    found = _whole(rest)
    if found is None and LLAMA in text:
        return [{"name": None, "arguments": rest.strip()}]
    return found or []


def marked(text: str) -> bool:
    """Tell whether a text says of itself that it calls a tool."""
    return any(mark in text for mark in (HERMES, LLAMA, MISTRAL))


def key(call: Call) -> str:
    """Return a text that is the same for calls of the same name and arguments."""
    return f"{call['name']} {canonical(call['arguments'])}"


def canonical(value: Any) -> str:
    """Return a JSON value as text: keys sorted, and 1.0 written as 1, its equal in JSON."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _first(part: str) -> list[Call]:
    """Return the calls right after a marker; there is one that cannot be read if there is none."""
    named = _NAMED.match(part)
    try:
        value, _ = _JSON.raw_decode(part, named.end() if named else _blank(part))
    except (ValueError, RecursionError):
        return [{"name": None, "arguments": part.strip()}]
    value = {"name": named[1], "arguments": value} if named else value
    each = value if isinstance(value, list) else [value]
    return [_call(one) or {"name": None, "arguments": part.strip()} for one in each]


def _whole(text: str) -> list[Call] | None:
    """Return the calls of a text that is nothing else; None where it is not."""
    found: list[Call] = []
    for value in _values(text):
        each = value if isinstance(value, list) else [value]
        calls = [call for call in map(_call, each) if call]
        if len(calls) < len(each) or not each:
            return None
        found += calls
    return found or None


def _values(text: str) -> Iterator[Any]:
    """Yield the values that a text is made of, and None for what is no such thing."""
    at = _blank(text)
    while at < len(text):
        named = _NAMED.match(text, at)
        try:
            value, at = _JSON.raw_decode(text, named.end() if named else at)
        except (ValueError, RecursionError):
            yield None
            return
        yield {"name": named[1], "arguments": value} if named else value
        at = _blank(text, at)


def _blank(text: str, at: int = 0) -> int:
    """Return where what separates values ends."""
    found = _SEPARATORS.match(text, at)
    return found.end() if found else at


def _call(value: Any) -> Call | None:
    """Return the call that a JSON value is, None if it is none."""
    inner = value.get("function", value) if isinstance(value, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
        return None
    arguments = inner.get("arguments", inner.get("parameters"))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments) if arguments.strip() else {}
        except (ValueError, RecursionError):
            return None
    if not isinstance(arguments, Mapping):
        return None
    return {"name": inner["name"], "arguments": dict(arguments)}
