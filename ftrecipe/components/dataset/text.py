"""Plain text, all of it trained on: continued pretraining."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.data.columns import column_of
from ftrecipe.data.example import Example, OnOverlong, RowFault, Text, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.encoding import refuse_bad_bytes
from ftrecipe.data.read import Row
from ftrecipe.data.reading import Reading
from ftrecipe.data.tokens.wrapped import without_beginning, without_end
from ftrecipe.errors import DataError

_ASKING = ("instruction", "question", "questions", "prompt", "messages", "conversations")


class Document(Enum):
    """What one document of a .txt file is; auto: its blocks, or without any its lines."""

    auto = "auto"
    file = "file"
    block = "block"
    line = "line"


@GROUP.option("text")
@dataclass
class PlainText(Dataset):
    """A `text` column, or a .txt file's blocks between blank lines; cut into pieces that fit."""

    yields: ClassVar[str] = "text"
    required: ClassVar[tuple[str, ...]] = ("text",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {"text": ("text", "content", "document")}

    on_overlong: OnOverlong = OnOverlong.split
    document: Document = Document.auto

    def rows(self, files: list[DataFile], reading: Reading) -> Iterator[Row]:
        for file in files:
            if self.document is Document.auto or file.ending != ".txt":
                yield from super().rows([file], reading)
            else:
                yield from _documents(file, self.document)
                reading.encodings[file.encoding] += 1

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        text = self.filled(self.template, record) if self.template else self.answer("text", record)
        bare = without_end(without_beginning(text))
        made = Text(where=where, text=bare)
        note = "begin and end tokens around texts were taken off"
        return [made if bare == text else replace(made, notes=(note,))]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        text = column_of(record, cls.synonyms["text"])
        alone = column_of(record, (*_ASKING, *ANSWERS, "role")) is None
        return text is not None and alone and isinstance(record[text], str)


def _documents(file: DataFile, document: Document) -> Iterator[Row]:
    """Yield the file, its blocks between blank lines, or its lines, each with its first line."""
    found = False
    held: list[str] = []
    start = 1
    with file.text() as opened:
        for number, line in enumerate(opened, 1):
            if line.strip() or (document is Document.file and held):
                start = start if held else number
                held.append(line)
            ends = document is Document.line or (document is Document.block and not line.strip())
            if held and ends:
                found = True
                yield Where(file.name, "line", start), _record("".join(held))
                held = []
    if held:
        yield Where(file.name, "line", start), _record("".join(held))
    elif not found:
        raise DataError(f"{file.name} is empty")


def _record(text: str) -> dict[str, Any] | RowFault:
    try:
        refuse_bad_bytes(text)
    except RowFault as fault:
        return fault
    return {"text": text.replace("\r\n", "\n").strip("\n")}
