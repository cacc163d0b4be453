"""Prompts that are only asked: of a list, a text file's lines, or the rows of a file of records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, Dataset
from ftrecipe.components.dataset.turns import is_turns, message_list, tool_list
from ftrecipe.data.columns import as_text, column_of, missing
from ftrecipe.data.example import Completion, Example, Message, RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import refuse_bad_bytes
from ftrecipe.data.read import Row
from ftrecipe.data.reading import Reading
from ftrecipe.data.records import read_file, read_text, reader_of

HERE = "prompts"


@dataclass
class PromptList(Dataset):
    """`prompt` (text, or messages) or `messages`; `answer`, what is expected, may be missing.

    raw: prompts are continued as they are, without a chat template.
    """

    required: ClassVar[tuple[str, ...]] = ("prompt",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "prompt": ("prompt", "messages", "question", "instruction", "input", "text"),
        "answer": ("answers", "expected", "reference", *ANSWERS),
        "tools": ("tools", "functions"),
    }

    prompts: list[str] = field(default_factory=list)
    raw: bool = False

    def name(self) -> str:
        return HERE

    def given(self) -> Sequence[Row]:
        return [(Where(HERE, "prompt", at), {"prompt": text})
                for at, text in enumerate(self.prompts, 1)]  # fmt: skip

    def rows(self, files: list[DataFile], reading: Reading) -> Iterator[Row]:
        for file in files:
            yield from _lines(file) if reader_of(file) is read_text else read_file(file)

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        expected = self._expected(record)
        column = self.column("prompt", record)
        if column is None:
            raise missing("prompt", record)
        messages = self._messages(record, column)
        if self.raw and len(messages) == 1:
            before = f"{self.system}\n\n" if self.system else ""
            text = f"{before}{messages[0]['content']}".rstrip(" ")
            return [Completion(where=where, answers=expected, text=text, completion="")]
        if messages[-1]["role"] == "assistant":
            expected = expected or [messages[-1]["content"]]
            messages = messages[:-1]
        if not messages or messages[-1]["role"] not in ("user", "tool"):
            raise RowFault("does not end with something to answer")
        tools = self.column("tools", record)
        listed = tool_list(record[tools], tools) if tools else None
        return [replace(self.conversation(messages, where, listed), answers=expected)]

    def _messages(self, record: Mapping[str, Any], column: str) -> list[Message]:
        if is_turns(record[column]):
            return message_list(record[column], column)
        return [{"role": "user", "content": self.text("prompt", record)}]

    def _expected(self, record: Mapping[str, Any]) -> list[str]:
        column = column_of(record, self.synonyms["answer"])
        value = record[column] if column else None
        cells = value if isinstance(value, list) else [] if value is None else [value]
        return [text for cell in cells if (text := as_text(cell, str(column)).strip())]

    def faults(self) -> list[str]:
        return super().faults() if self.path else []


def _lines(file: DataFile) -> Iterator[Row]:
    """Yield every line that says something."""
    with file.text() as lines:
        for number, line in enumerate(lines, 1):
            if text := line.strip():
                yield Where(file.name, "line", number), _prompt(text)


def _prompt(text: str) -> dict[str, Any] | RowFault:
    try:
        refuse_bad_bytes(text)
    except RowFault as fault:
        return fault
    return {"prompt": text}
