"""Questions and answers: the first answer trains, every answer counts at evaluation."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.data.columns import as_text, column_of, missing
from ftrecipe.data.example import Example, RowFault, Where


@GROUP.option("question_answer")
@dataclass
class QuestionAnswer(Dataset):
    """`question` (or a list of wordings) and `answer` (or a list of accepted ones)."""

    required: ClassVar[tuple[str, ...]] = ("question", "answer")
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "question": ("question", "questions", "query", "prompt", "instruction"),
        "answer": ("answer", "answers", *ANSWERS),
    }

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        answers = self._several("answer", record)
        return [
            dataclasses.replace(self._pair(question, answers[0], where), answers=answers)
            for question in self._questions(record)
        ]

    def _questions(self, record: dict[str, Any]) -> list[str]:
        if self.template:
            return [self.filled(self.template, record)]
        return self._several("question", record)

    def _pair(self, question: str, answer: str, where: Where) -> Example:
        asked = {"role": "user", "content": question}
        return self.conversation([asked, {"role": "assistant", "content": answer}], where)

    def _several(self, name: str, record: Mapping[str, Any]) -> list[str]:
        """Return the texts of a cell that holds one, a list, or SQuAD's `{"text": [...]}`."""
        column = self.column(name, record)
        if column is None:
            raise missing(name, record)
        value = record[column]
        if isinstance(value, dict) and "text" in value:
            value = value["text"]
        cells = value if isinstance(value, list) else [value]
        texts = [as_text(cell, column).strip() for cell in cells]
        if not any(texts):
            raise RowFault(f'no {name} in column "{column}"')
        return [text for text in texts if text]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        asked = column_of(record, ["question", "questions", "query"])
        return asked is not None and column_of(record, cls.synonyms["answer"]) is not None
