"""Instructions with an optional input, and the output that is trained on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.data.columns import as_text, column_of
from ftrecipe.data.example import Example, Message, RowFault, Where


@GROUP.option("alpaca")
@dataclass
class Alpaca(Dataset):
    """`instruction`, `input` and `output` columns, as in Stanford Alpaca.

    Also understood: LLaMA-Factory's `system` and `history` (earlier pairs), Self-Instruct's
    `instances` (several inputs and outputs of one instruction).
    """

    required: ClassVar[tuple[str, ...]] = ("instruction", "output")
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "instruction": ("instruction", "prompt", "question"),
        "input": ("input", "context"),
        "output": ANSWERS,
        "system": ("system", "system_prompt"),
        "history": ("history",),
        "instances": ("instances",),
    }

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        column = self.column("instances", record)
        if column is None or not isinstance(record[column], list):
            return [self._example(record, where)]
        instances = record[column]
        if not instances or not all(isinstance(one, dict) for one in instances):
            raise RowFault(f'column "{column}" is not a list of inputs and outputs')
        rest = {key: value for key, value in record.items() if key != column}
        group = self.text("instruction", record)
        return [replace(self._example(rest | one, where), group=group) for one in instances]

    def _example(self, record: dict[str, Any], where: Where) -> Example:
        asked = self.filled(self.template, record) if self.template else self._asked(record)
        answer = self.answer("output", record)
        system, earlier = self.optional("system", record), self._history(record)
        if not earlier:
            return self.exchange(asked, answer, where, system)
        messages = [*earlier, _said("user", asked), _said("assistant", answer.strip())]
        if system:
            messages = [_said("system", system), *messages]
        return self.conversation(messages, where)

    def _asked(self, record: Mapping[str, Any]) -> str:
        given = self.optional("input", record)
        if given and not self.optional("instruction", record):
            return given
        instruction = self.text("instruction", record).strip()
        return f"{instruction}\n\n{given}" if given else instruction

    def _history(self, record: Mapping[str, Any]) -> list[Message]:
        """Return the earlier turns: pairs of an instruction and its answer."""
        column = self.column("history", record)
        pairs = record[column] if column else None
        if not pairs:
            return []
        if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
            raise RowFault(f'column "{column}" is not a list of pairs of question and answer')
        turns = [(as_text(q, "history"), as_text(a, "history")) for q, a in pairs]
        return [m for q, a in turns for m in (_said("user", q), _said("assistant", a))]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        answered = column_of(record, (*ANSWERS, "instances")) is not None
        return column_of(record, ["instruction"]) is not None and answered


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2
