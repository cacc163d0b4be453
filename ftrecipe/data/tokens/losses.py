"""Refuses conversations of which a chat template leaves something out."""

import json
from collections.abc import Sequence

from ftrecipe.data.example import Message, RowFault

_THOUGHT = "</think>"


def said(message: Message) -> str:
    """Return what a message says once it has been thought about: templates move thoughts."""
    text = message["content"]
    return (text.split(_THOUGHT)[-1] if message["role"] == "assistant" else text).strip()


def thought(answer: Message) -> str:
    """Return what was thought before an answer, nothing for most."""
    before, _, _ = answer["content"].rpartition(_THOUGHT)
    return before.strip().removeprefix("<think>").strip()


def refuse_losses(messages: Sequence[Message], rendered: str) -> None:
    """Raise RowFault, naming the role, when the text of a message is not in `rendered`."""
    at = 0
    for message in messages:
        text = said(message)
        found = rendered.find(text, at)
        if found >= 0:
            at = found + len(text)
        elif not _is_in(text, rendered):
            role = message["role"]
            what = "an answer" if role == "assistant" else f"a {role} message"
            raise RowFault(f"the chat template loses the text of {what}")


def refuse_loss(answer: Message, rendered: str) -> None:
    """Raise RowFault when the template leaves out an answer's text or its tool calls."""
    refuse_losses([answer], rendered)
    for call in answer.get("tool_calls") or []:
        if str(call.get("function", call).get("name")) not in rendered:
            raise RowFault("the chat template has no place for tool calls")


def loses_thought(answer: Message, rendered: str) -> bool:
    """Tell whether an answer brings its thoughts and `rendered` has only what it says."""
    return not _is_in(thought(answer), rendered)


def spliced(answer: Message, before: str, after: str) -> str:
    """Return `before` and then the answer as `after` ends with it, with the thoughts it brings."""
    text = said(answer)
    at = max(0, after.rfind(text))
    if not loses_thought(answer, after[at:]):
        return before + after[at:]
    whole = answer["content"].strip()
    if before.rstrip().endswith("<think>"):
        whole = whole.removeprefix("<think>").lstrip("\n")
    return before + whole + after[at + len(text) :]


def _is_in(text: str, rendered: str) -> bool:
    """Say whether a text is there: as it is, as JSON writes it (results of tools), or trimmed."""
    if text in rendered:
        return True
    if any(json.dumps(text, ensure_ascii=ascii)[1:-1] in rendered for ascii in (False, True)):
        return True
    letters = _letters(text)
    return bool(letters) and letters in _letters(rendered)


def _letters(text: str) -> str:
    """Return the letters and digits alone: templates trim lines, and read and write JSON anew."""
    return "".join(filter(str.isalnum, text))
