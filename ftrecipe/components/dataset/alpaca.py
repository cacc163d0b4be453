"""Instructions with an optional input, and the output that is trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.data.columns import column_of
from ftrecipe.data.example import Example, Where


@GROUP.option("alpaca")
@dataclass
class Alpaca(Dataset):
    """`instruction`, `input` and `output` columns, as in Stanford Alpaca."""

    required: ClassVar[tuple[str, ...]] = ("instruction", "output")
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "instruction": ("instruction", "prompt", "question"),
        "input": ("input", "context"),
        "output": ANSWERS,
        "system": ("system", "system_prompt"),
    }

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        asked = self.filled(self.template, record) if self.template else self._asked(record)
        messages = [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": self.text("output", record).strip()},
        ]
        if system := self.optional("system", record):
            messages.insert(0, {"role": "system", "content": system})
        return [self.conversation(messages, where)]

    def _asked(self, record: Mapping[str, Any]) -> str:
        instruction = self.text("instruction", record).strip()
        given = self.optional("input", record)
        return f"{instruction}\n\n{given}" if given else instruction

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        return column_of(record, ["instruction"]) is not None and (
            column_of(record, ANSWERS) is not None
        )
