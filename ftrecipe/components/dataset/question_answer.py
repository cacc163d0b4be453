"""Questions and answers: the first answer trains, every answer counts at evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ftrecipe.components.dataset import ANSWERS, GROUP, Dataset
from ftrecipe.components.dataset.column_names import ANSWERING, ASKING
from ftrecipe.data.columns import as_text, column_of, missing
from ftrecipe.data.example import EmptyFault, Example, RowFault, Where

_ASKING = ("question", "questions", "query", *ASKING)
_ANSWERING = ("answer", "answers", "best answer", "best_answer", *ANSWERS, *ANSWERING)


@GROUP.option("question_answer")
@dataclass
class QuestionAnswer(Dataset):
    """`question` (or a list of wordings) and `answer` (or a list of accepted ones).

    A `context` is put before its question. SQuAD's articles, with their paragraphs and questions,
    are read as they are.
    separator: what divides several answers in one cell, such as "; "; None where a cell is one.
    unanswerable: what is said to a question without an answer, as SQuAD v2.0 has them; None leaves
    those of an article out, and takes a row without an answer for a faulty one.
    """

    required: ClassVar[tuple[str, ...]] = ("question", "answer")
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {
        "question": (*_ASKING, "prompt", "instruction"),
        "answer": _ANSWERING,
        "context": ("context", "passage"),
        "system": ("system", "system_prompt"),
    }

    separator: str | None = None
    unanswerable: str | None = None

    def with_unanswerable(self, phrase: str) -> Dataset:
        return replace(self, unanswerable=self.unanswerable or phrase)

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        if "question" in self.columns or not isinstance(record.get("paragraphs"), list):
            return self._of_row(record, where)
        rows = [row for paragraph in record["paragraphs"] for row in _asked_of(paragraph)
                if row["answers"] or self.unanswerable]  # fmt: skip
        found = [one for row in rows for one in self._of_row(row, where)]
        if not found:
            raise EmptyFault("an article without a question that has an answer")
        return found

    def _of_row(self, record: dict[str, Any], where: Where) -> list[Example]:
        answers = self._answers(record)
        system = self.optional("system", record)
        several = answers if len(answers) > 1 else ()
        return [
            self.exchange(question, answers[0], where, system, several)
            for question in self._questions(record)
        ]

    def _questions(self, record: dict[str, Any]) -> list[str]:
        if self.template:
            return [self.filled(self.template, record)]
        questions = self._several("question", record)
        if not questions:
            raise RowFault(f'no question in column "{self.column("question", record)}"')
        context = self.optional("context", record)
        return [f"{context}\n\n{question}" if context else question for question in questions]

    def _answers(self, record: dict[str, Any]) -> list[str]:
        answers = self._several("answer", record)
        if self.separator:
            answers = [part.strip() for text in answers for part in text.split(self.separator)]
        answers = list(dict.fromkeys(answer for answer in answers if answer))
        if not answers and self.unanswerable:
            return [self.unanswerable]
        if not answers:
            raise EmptyFault(f'no answer in column "{self.column("answer", record)}"')
        return answers

    def _several(self, name: str, record: Mapping[str, Any]) -> list[str]:
        """Return the texts of a cell that holds one, a list, or SQuAD's `{"text": [...]}`."""
        column = self.column(name, record)
        if column is None:
            raise missing(name, record)
        value = record[column]
        if isinstance(value, dict) and "text" in value:
            value = value["text"]
        cells = value if isinstance(value, list) else [value]
        cells = [one for cell in cells for one in (cell if isinstance(cell, list) else [cell])]
        cells = [cell["text"] if _is_answer(cell) else cell for cell in cells]
        return [text for cell in cells if (text := as_text(cell, column).strip())]

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        if isinstance(record.get("paragraphs"), list):
            return any(isinstance(p, dict) and "qas" in p for p in record["paragraphs"])
        asked = column_of(record, _ASKING)
        return asked is not None and column_of(record, cls.synonyms["answer"]) is not None


def _is_answer(cell: object) -> bool:
    """Say whether a cell is an answer of SQuAD, with its text and its place."""
    return isinstance(cell, dict) and isinstance(cell.get("text"), str)


def _asked_of(paragraph: object) -> list[dict[str, Any]]:
    """Return the questions of one SQuAD paragraph; `answers` is empty where there is none."""
    asked = paragraph.get("qas") if isinstance(paragraph, dict) else None
    if not isinstance(paragraph, dict) or not isinstance(asked, list):
        raise RowFault("a paragraph without a list of questions (qas)")
    return [
        {"question": row.get("question"), "answers": row.get("answers") or [],
         "context": paragraph.get("context")}
        for row in asked if isinstance(row, dict)
    ]  # fmt: skip
