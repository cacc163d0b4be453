"""Turns canonical examples into the records of a target format, and says what that format loses."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ftrecipe.data.convert.exchanges import Losses, as_chat, lose_marks, pairs
from ftrecipe.data.example import Completion, Example, Message, Preference, Rated, RowFault, Text

Record = dict[str, Any]


_REFUSED = re.compile(r"[\s<|\\/>]")  # in names

Writer = Callable[[Example, Losses], Iterator[Record]]


def records(target: str, example: Example) -> tuple[list[Record], list[str]]:
    """Return the records of one example, and what they lose. Raises RowFault where none can be."""
    losses = Losses([])
    return list(WRITERS[target](example, losses)), losses.names


def _messages(example: Example, losses: Losses) -> Iterator[Record]:
    chat = as_chat(example, losses)
    tools = {"tools": chat.tools} if chat.tools else {}
    yield {"messages": [_of_openai(message, losses) for message in chat.messages], **tools}


def _of_openai(message: Message, losses: Losses) -> Message:
    """Return a message as OpenAI has them: calls with arguments as JSON text, names it takes."""
    name = message.get("name")
    if name and (taken := _REFUSED.sub("_", name)) != name:
        losses.add("spaces and < | \\ / > in names, which OpenAI refuses; they are written as _")
        message = {**message, "name": taken}
    if "tool_calls" not in message:
        return dict(message)
    calls = [
        {
            **call,
            "function": {**call["function"], "arguments": _json(call["function"]["arguments"])},
        }
        for call in message["tool_calls"]
    ]
    return {**message, "tool_calls": calls}


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sharegpt(example: Example, losses: Losses) -> Iterator[Record]:
    chat = as_chat(example, losses)
    turns = [turn for message in chat.messages for turn in _sharegpt_turns(message, losses)]
    tools = [tool.get("function", tool) for tool in chat.tools or []]
    yield {"conversations": turns} | ({"tools": _json(tools)} if tools else {})


def _sharegpt_turns(message: Message, losses: Losses) -> Iterator[Record]:
    senders = {"system": "system", "developer": "system", "user": "human", "assistant": "gpt",
               "tool": "observation"}  # fmt: skip
    lose_marks(message, losses, "weight")
    calls = message.get("tool_calls")
    if message["content"] or not calls:
        weight = {"weight": message["weight"]} if "weight" in message else {}
        yield {"from": senders[message["role"]], "value": message["content"], **weight}
    if calls:
        called = [call["function"] for call in calls]
        yield {"from": "function_call", "value": _json(called[0] if len(called) == 1 else called)}


def _gemini(example: Example, losses: Losses) -> Iterator[Record]:
    chat = as_chat(example, losses)
    system = [m for m in chat.messages if m["role"] in ("system", "developer")]
    rest = [m for m in chat.messages if m not in system]
    if system and chat.messages[: len(system)] != system:
        losses.add("the places of later system messages")
    record: Record = {}
    if system:
        text = "\n\n".join(message["content"] for message in system)
        record["systemInstruction"] = {"parts": [{"text": text}]}
    names: dict[str, str] = {}
    record["contents"] = [_gemini_content(message, names, losses) for message in rest]
    if chat.tools:
        functions = [tool.get("function", tool) for tool in chat.tools]
        record["tools"] = [{"functionDeclarations": functions}]
    yield record


def _gemini_content(message: Message, names: dict[str, str], losses: Losses) -> Record:
    """Return one content; `names` keeps whose call an id belongs to, for its result."""
    if message["role"] == "tool":
        name = message.get("name") or names.get(message.get("tool_call_id", "")) or names.get("")
        lose_marks(message, losses, "name")
        response = {"name": name or "tool", "response": {"output": message["content"]}}
        return {"role": "user", "parts": [{"functionResponse": response}]}
    lose_marks(message, losses)
    parts: list[Record] = []
    if message["content"] or "tool_calls" not in message:
        parts.append({"text": message["content"]})
    for call in message.get("tool_calls", []):
        function = call["function"]
        names[call.get("id", "")] = names[""] = function["name"]
        parts.append({"functionCall": {"name": function["name"], "args": function["arguments"]}})
    return {"role": "model" if message["role"] == "assistant" else "user", "parts": parts}


def _alpaca(example: Example, losses: Losses) -> Iterator[Record]:
    chat = as_chat(example, losses)
    system, found = pairs(chat, losses)
    *history, (question, answer) = found
    record: Record = {"instruction": question, "input": "", "output": answer}
    record |= {"system": system} if system else {}
    yield record | ({"history": [list(pair) for pair in history]} if history else {})


def _pair_of(question: str, answer: str) -> Writer:
    """Return the writer of two columns: one record an answer, without the turns before it."""

    def write(example: Example, losses: Losses) -> Iterator[Record]:
        if isinstance(example, Completion):
            yield {question: example.text, answer: example.completion}
            return
        chat = as_chat(example, losses)
        system, found = pairs(chat, losses)
        if len(found) > 1:
            losses.add("turns before later questions; each answer is a row of its own")
        for asked, said in found:
            record: Record = {question: asked, answer: said}
            yield record | ({"system": system} if system else {})

    return write


def _question_answer(example: Example, losses: Losses) -> Iterator[Record]:
    rows = list(_pair_of("question", "answer")(example, losses))
    if len(rows) == 1 and len(example.answers) > 1:
        rows[0]["answer"] = list(example.answers)
    yield from rows


def _chatml(example: Example, losses: Losses) -> Iterator[Record]:
    chat = as_chat(example, losses)
    if chat.tools:
        losses.add("tools that were offered")
    yield {"text": "".join(_chatml_turn(message, losses) for message in chat.messages)}


def _chatml_turn(message: Message, losses: Losses) -> str:
    if "tool_calls" in message:
        raise RowFault("ChatML has no one way to write a call; --to messages can hold it")
    content = message["content"]
    if any(mark in content for mark in ("<|im_start|>", "<|im_end|>", "<|endoftext|>")):
        raise RowFault("a message holds the marks of ChatML itself")
    lose_marks({**message, "role": "user"}, losses)
    return f"<|im_start|>{message['role']}\n{content}<|im_end|>\n"


def _text(example: Example, losses: Losses) -> Iterator[Record]:
    if isinstance(example, Text):
        yield {"text": example.text}
    elif isinstance(example, Completion):
        losses.add("where prompts end")
        yield {"text": example.text + example.completion}
    else:
        chat = as_chat(example, losses)
        losses.add("roles, written as names before what was said")
        yield {"text": "\n\n".join(_spoken(message) for message in chat.messages)}


def _spoken(message: Message) -> str:
    if "tool_calls" in message or message["role"] == "tool":
        raise RowFault("calls of tools cannot be written as plain text")
    return f"{message.get('name') or message['role'].capitalize()}: {message['content']}"


def _preference(example: Example, losses: Losses) -> Iterator[Record]:
    if not isinstance(example, Preference):
        raise RowFault("there is no rejected answer")
    parts = {"prompt": example.messages, "chosen": example.chosen, "rejected": example.rejected}
    tools = {"tools": example.tools} if example.tools else {}
    yield {name: [_of_openai(m, losses) for m in part] for name, part in parts.items()} | tools


def _kto(example: Example, losses: Losses) -> Iterator[Record]:
    if isinstance(example, Rated):
        yield _rated(
            example.messages[:-1], example.messages[-1:], example.tools, example.label, losses
        )
    elif isinstance(example, Preference):
        losses.add("which answers were compared with each other")
        for answer, label in ((example.chosen, True), (example.rejected, False)):
            yield _rated(example.messages, answer, example.tools, label, losses)
    else:
        raise RowFault("nobody said whether the answer is good or bad")


def _rated(
    prompt: list[Message],
    completion: list[Message],
    tools: list[Any] | None,
    label: bool,
    losses: Losses,
) -> Record:
    sides = {"prompt": prompt, "completion": completion}
    record: Record = {name: [_of_openai(m, losses) for m in side] for name, side in sides.items()}
    return record | {"label": label} | ({"tools": tools} if tools else {})


WRITERS: dict[str, Writer] = {
    "messages": _messages,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "prompt_completion": _pair_of("prompt", "completion"),
    "question_answer": _question_answer,
    "instruction": _pair_of("instruction", "response"),
    "gemini": _gemini,
    "chatml": _chatml,
    "text": _text,
    "preference": _preference,
    "kto": _kto,
}
