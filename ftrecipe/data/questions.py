"""Examples as the questions that suites ask, without their tokens: no tokenizer is needed."""

from typing import Any

from ftrecipe.data.example import Chat, Completion, Example, Preference
from ftrecipe.data.prepared import EvalExample


def question(example: Chat | Completion | Preference) -> EvalExample:
    """Return the question that an example asks, as it is prepared but for its tokens."""
    asked = preferred(example)
    pair: dict[str, Any] = {}
    if isinstance(example, Preference):
        pair = {"chosen": example.chosen, "rejected": example.rejected}
    return EvalExample(
        prompt_ids=[],
        question=asked.question,
        prompt_text="",
        answers=asked.answers,
        where=str(asked.where),
        source=asked.source,
        **_conversation(asked),
        **pair,
    )


def preferred(example: Chat | Completion | Preference) -> Chat | Completion:
    """Return of a pair the conversation up to the first message of the better answer."""
    if not isinstance(example, Preference):
        return example
    return Chat(
        where=example.where, answers=[example.chosen[0]["content"]], tools=example.tools,
        messages=[*example.messages, example.chosen[0]], source=example.source,
    )  # fmt: skip


def is_open(example: Example) -> bool:
    """Tell a question that nobody has answered: it is only asked."""
    if isinstance(example, Chat):
        return not example.everyone and example.messages[-1]["role"] != "assistant"
    return isinstance(example, Completion) and not example.completion


def _conversation(example: Chat | Completion) -> dict[str, Any]:
    """Return what was said before the last answer, that answer, and the tools it may call."""
    only_asked = is_open(example)
    if isinstance(example, Completion):
        return {"completion": example.completion, "open": only_asked}
    if only_asked:
        return {"messages": example.messages, "tools": example.tools, "open": True}
    *before, reply = example.messages
    return {"messages": before, "tools": example.tools, "reply": reply}
