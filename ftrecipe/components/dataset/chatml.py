"""Text that is written in ChatML, taken apart into the messages that it holds."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.components.dataset.turns import answered
from ftrecipe.data.columns import column_of
from ftrecipe.data.example import EmptyFault, Example, Message, RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import refuse_bad_bytes
from ftrecipe.data.read import Row
from ftrecipe.data.reading import Reading
from ftrecipe.errors import DataError, listed

_OPEN, _CLOSE, _APART = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
_TURN = re.compile(
    r"<\|im_start\|>([^\n<]*)\n?(.*?)(<\|im_end\|>|(?=<\|im_start\|>)|\Z)", re.DOTALL
)
_ROLES = {"system": "system", "developer": "developer", "user": "user", "human": "user",
          "assistant": "assistant", "gpt": "assistant", "tool": "tool",
          "function": "tool"}  # fmt: skip


@GROUP.option("chatml")
@dataclass
class ChatMl(Dataset):
    """`<|im_start|>role … <|im_end|>` in a `text` column, or in .txt files.

    In a .txt file, a conversation ends at `<|endoftext|>`, at the next system prompt, and at a
    blank line that a user's or a system message follows.
    """

    narrow: ClassVar[bool] = True
    required: ClassVar[tuple[str, ...]] = ("text",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {"text": ("text", "content", "conversation")}
    templated: ClassVar[bool] = False

    def rows(self, files: list[DataFile], reading: Reading) -> Iterator[Row]:
        for file in files:
            if file.ending != ".txt":
                yield from super().rows([file], reading)
                continue
            yield from _conversations(file)
            reading.encodings[file.encoding] += 1

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        messages = _messages(self.text("text", record))
        return [self.conversation(answered(messages), where)]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        text = column_of(record, ["text", "content"])
        value = record[text] if text else None
        return isinstance(value, str) and value.lstrip().startswith(_OPEN)

    @classmethod
    def fits_text(cls, head: str) -> bool:
        return head.lstrip("\ufeff \r\n").startswith(_OPEN)


def _messages(text: str) -> list[Message]:
    """Return the messages of one conversation. Raises RowFault for text that is none."""
    messages: list[Message] = []
    at = 0
    text = text.replace(_APART, "")
    for turn in _TURN.finditer(text):
        if text[at : turn.start()].strip():
            raise RowFault(f"text outside of {_OPEN} … {_CLOSE}: {text[at:][:40].strip()!r}")
        messages.append(_message(turn))
        at = turn.end()
    if text[at:].strip() or not messages:
        raise RowFault(f"text outside of {_OPEN} … {_CLOSE}: {text[at:][:40].strip()!r}")
    return messages


def _message(turn: re.Match[str]) -> Message:
    word, _, name = turn[1].strip().partition(" name=")
    role = _ROLES.get(word)
    if role is None:
        raise RowFault(f"a message of the role {word!r} (known: {listed([*_ROLES])})")
    if not turn[3]:
        raise RowFault(f"a message of the role {word} is not closed with {_CLOSE}")
    content = turn[2].strip("\r\n").replace("\r\n", "\n")
    if role == "assistant" and not content.strip():
        raise EmptyFault("an answer of the assistant is empty")
    return {"role": role, "content": content} | ({"name": name} if name else {})


def _conversations(file: DataFile) -> Iterator[Row]:
    """Yield the conversations of a text file, each with the line on which it begins."""
    held: list[str] = []
    start, found = 1, False
    gap = inside = False
    with file.text() as lines:
        for number, line in enumerate(lines, 1):
            if held and _begins(line, gap, inside):
                found = True
                yield Where(file.name, "line", start), _record(held)
                held = []
            if line.strip() and not held:
                start = number
            if held or line.strip():
                held.append(line)
            gap = not line.strip() and not inside
            inside = line.rfind(_OPEN) > line.rfind(_CLOSE) or (inside and _CLOSE not in line)
            if held and not inside and _APART in line:
                found = True
                yield Where(file.name, "line", start), _record(held)
                held = []
    if held:
        yield Where(file.name, "line", start), _record(held)
    elif not found:
        raise DataError(f"{file.name} is empty")


def _begins(line: str, gap: bool, inside: bool) -> bool:
    """Say whether a line begins another conversation; an unclosed message ends with its own."""
    if line.startswith(f"{_OPEN}system"):
        return True
    return gap and not inside and line.startswith(f"{_OPEN}user")


def _record(lines: list[str]) -> dict[str, Any] | RowFault:
    text = "".join(lines)
    try:
        refuse_bad_bytes(text)
    except RowFault as fault:
        return fault
    return {"text": text}
