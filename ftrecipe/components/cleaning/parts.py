"""What an example asks and what it answers, for steps that tell the two apart."""

from enum import Enum
from typing import Any

from ftrecipe.data.example import Chat, Completion, Example, Preference, Text


class By(Enum):
    """What of two examples is compared."""

    example = "example"  # all that is said in it, system prompts apart
    prompt = "prompt"  # what comes before the first answer


def answer(example: Example) -> str:
    """Return the last answer that is learned: of a plain text all of it."""
    if isinstance(example, Chat):
        return example.messages[-1]["content"]
    if isinstance(example, Completion):
        return example.completion
    if isinstance(example, Preference):
        return example.chosen[-1]["content"] if example.chosen else ""
    return example.text if isinstance(example, Text) else example.reply


def question(example: Example) -> str:
    """Return what the last answer answers; nothing for a plain text."""
    if isinstance(example, Chat):
        return example.messages[-2]["content"] if len(example.messages) > 1 else ""
    if isinstance(example, Completion):
        return example.text
    if isinstance(example, Preference):
        return example.messages[-1]["content"] if example.messages else ""
    return ""


def calls_tools(example: Example) -> bool:
    """Say whether its last answer calls a tool, and so may say nothing."""
    return isinstance(example, Chat) and bool(example.messages[-1].get("tool_calls"))


def compared(example: Example, by: By) -> str:
    """Return the text by which an example is compared with others: without system prompts."""
    if by is By.prompt:
        return example.prompt
    return "\n".join(
        text
        for value in example.plain().values()
        for part in (value if isinstance(value, list) else [value])
        if not (isinstance(part, dict) and part.get("role") in _INSTRUCTING)
        for text in texts_in(part)
    )


_INSTRUCTING = ("system", "developer")


def texts_in(value: Any) -> list[str]:
    """Return every text in a JSON value, however deep; the roles of messages are none."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() if key != "role" for text in texts_in(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in texts_in(item)]
    return []
