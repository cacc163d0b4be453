"""Reduces examples to conversations, and those to questions with answers, noting what is lost."""

from typing import NamedTuple

from ftrecipe.data.example import Chat, Completion, Example, Message, Preference, Rated, RowFault


class Losses(NamedTuple):
    """What of an example a record has no place for; each is said once, with its rows."""

    names: list[str]

    def add(self, name: str) -> None:
        """Note one loss of this example."""
        if name not in self.names:
            self.names.append(name)


def as_chat(example: Example, losses: Losses) -> Chat:
    """Return the conversation that an example is. Raises RowFault for what is none."""
    if isinstance(example, Rated):
        if not example.label:
            raise RowFault("an answer that was rated bad is none to learn from")
        losses.add("labels of answers that were rated good")
    if isinstance(example, Chat):
        if example.everyone:
            losses.add("that everybody is learned: whoever spoke last is the assistant now "
                       "(dataset.assistant=<name> chooses one)")  # fmt: skip
        return example
    if isinstance(example, Completion):
        losses.add("raw prompts became the user's messages")
        messages = [said("user", example.text), said("assistant", example.completion.strip())]
        return Chat(where=example.where, answers=example.answers, messages=messages)
    if isinstance(example, Preference):
        losses.add("rejected answers")
        return Chat(where=example.where, answers=example.answers, tools=example.tools,
                    messages=[*example.messages, *example.chosen])  # fmt: skip
    raise RowFault("plain text is no conversation; only --to text can hold it")


def said(role: str, content: str) -> Message:
    """Return one turn of a chat, as messages are written."""
    return {"role": role, "content": content}


def lose_marks(message: Message, losses: Losses, *kept: str) -> None:
    """Note what stands in a message beside its text and calls, and has no place."""
    names = {"weight": "weights of messages", "name": "names of senders",
            "tool_call_id": "ids of tool calls"}  # fmt: skip
    for key in message.keys() - {"role", "content", "tool_calls", *kept}:
        losses.add(names.get(key, f"the field {key} of messages"))
    if any("id" in call for call in message.get("tool_calls", [])):
        losses.add("ids of tool calls")
    if message["role"] == "developer":
        losses.add("the role developer, written as system")


def pairs(chat: Chat, losses: Losses) -> tuple[str, list[tuple[str, str]]]:
    """Return the system prompt, and questions with their answers. Raises RowFault."""
    if any(m["role"] == "tool" or "tool_calls" in m for m in chat.messages):
        raise RowFault("calls of tools cannot be written as questions and answers")
    if chat.tools:
        losses.add("tools that were offered and not called")
    for message in chat.messages:
        lose_marks(message, losses)
    leading = 0
    while chat.messages[leading]["role"] in ("system", "developer"):
        leading += 1
    system = "\n\n".join(m["content"] for m in chat.messages[:leading])
    return system, _in_turn(chat.messages[leading:], losses)


def _in_turn(messages: list[Message], losses: Losses) -> list[tuple[str, str]]:
    """Return questions and answers; messages in a row are joined, answers to nothing left out."""
    found: list[tuple[str, str]] = []
    asked: list[str] = []
    for message in messages:
        if message["role"] != "assistant":
            asked.append(message["content"])
        elif asked:
            found.append(("\n".join(asked), message["content"]))
            if len(asked) > 1:
                losses.add("where messages of one side end; they are joined by a newline")
            asked = []
        elif found:
            losses.add("where messages of one side end; they are joined by a newline")
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{message['content']}")
        else:
            losses.add("answers before the first question")
    if not found:
        raise RowFault("an answer without a question before it; --to messages can hold it")
    return found
