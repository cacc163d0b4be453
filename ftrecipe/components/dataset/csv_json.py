"""Tables whose cells hold JSON, nearly JSON or Python literals."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.components.dataset.turns import answered, is_turns, message_list, tool_list
from ftrecipe.data.columns import as_text, column_of, holes, missing
from ftrecipe.data.example import EmptyFault, Example, RowFault, Where
from ftrecipe.data.records.literals import container, flattened, looks_contained

_LISTS = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat")


@GROUP.option("csv_json")
@dataclass
class CsvJson(Dataset):
    """A CSV file, or any other table, with lists and objects in its cells.

    A row with a column of messages (`messages`, `conversations` …; OpenAI's words or ShareGPT's) is
    a conversation. Any other is one exchange: `dataset.template` or the column `question` asks,
    the column `answer` answers.

    A list of values is written as text with commas, an object as JSON. The fields of an object, and
    of a list of objects, have names of their own: with genres `[{'id': 16, 'name': 'Animation'}]`,
    `{genres.name}` in the template, or dataset.columns.answer=genres.name, is `Animation`.

    Cells are read as JSON, else as Python literals, else mended where that can mean only one thing;
    a row whose cell cannot be read is malformed. Only the columns that are used are looked at.
    """

    required: ClassVar[tuple[str, ...]] = ("answer",)
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "messages": _LISTS,
        "question": ("question", "instruction", "prompt", "query", "input"),
        "answer": ANSWERS,
        "system": ("system", "system_prompt"),
        "tools": ("tools", "functions"),
    }

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        cells = _Cells(record)
        column = self._messages(record)
        made = self._exchange(cells, where) if column is None else self._chat(column, cells, where)
        return [dataclasses.replace(made, notes=(*made.notes, *cells.notes))]

    def _messages(self, record: Mapping[str, Any]) -> str | None:
        """Return the column of a whole conversation, where the row has one."""
        if self.template or "question" in self.columns or "answer" in self.columns:
            return None
        return self.column("messages", record)

    def _chat(self, column: str, cells: "_Cells", where: Where) -> Example:
        value = cells.read(column)
        turns = value.get("messages", value.get("conversations")) if _is_object(value) else value
        messages = answered(message_list(turns, column))
        system = self.optional("system", cells.record)
        if system and messages[0]["role"] not in ("system", "developer"):
            messages = [{"role": "system", "content": system}, *messages]
        tools = self.column("tools", cells.record)
        return self.conversation(
            messages, where, tool_list(cells.read(tools), tools) if tools else None
        )

    def _exchange(self, cells: "_Cells", where: Where) -> Example:
        if self.template:
            asked = self.filled(self.template, cells.texts(holes(self.template)))
        else:
            asked = self._said("question", cells)
            if not asked.strip():
                raise RowFault("no question")
        answer = self._said("answer", cells)
        if not answer.strip():
            raise EmptyFault("no answer")
        return self.exchange(asked, answer, where, self.optional("system", cells.record))

    def _said(self, name: str, cells: "_Cells") -> str:
        """Return a field as text, read from its cell."""
        asked = self.columns.get(name)
        column = asked or self.column(name, cells.record)
        if column is None:
            raise missing(name, cells.record)
        texts = cells.texts([column])
        found = column_of(texts, [column])
        if found is None:
            raise missing(name, texts, asked)
        return as_text(texts[found], found)

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        column = column_of(record, _LISTS)
        cell = record[column] if column else None
        if not isinstance(cell, str) or not looks_contained(cell):
            return False
        try:
            return is_turns(container(cell).value)
        except RowFault:
            return False


def _is_object(value: object) -> bool:
    return isinstance(value, dict) and not {"role", "from"} & value.keys()


class _Cells:
    """The cells of one row, read as they are asked for; `notes` says how."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        self.notes: list[str] = []

    def read(self, column: str) -> Any:
        """Return what a cell holds: a list or an object where it begins as one. Raises RowFault."""
        cell = self.record[column]
        if not isinstance(cell, str) or not looks_contained(cell):
            return cell
        try:
            value, how = container(cell)
        except RowFault as fault:
            raise RowFault(f'column "{column}": {fault}') from None
        if how != "JSON":
            self.notes.append(f'column "{column}" was read as {how}')
        return value

    def texts(self, names: list[str]) -> dict[str, Any]:
        """Return the row with the columns that `names` are of, or are fields of, as texts."""
        read = {column: self.read(column) for column in self.record if _asked(column, names)}
        fields = flattened(read)
        # A field that this row's list or object has not is empty, and no missing column.
        absent = {name: "" for name in names for column in read
                  if name.casefold().startswith(f"{column.casefold()}.")}  # fmt: skip
        return {**self.record, **absent, **fields}


def _asked(column: str, names: list[str]) -> bool:
    """Say whether one of the names is the column, or a field of what it holds."""
    own = column.strip().casefold()
    return any((name.casefold() + ".").startswith(own + ".") for name in names)
