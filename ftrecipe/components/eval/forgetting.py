"""Suite `forgetting`: what the training cost on general text and questions that it never saw."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.dataset import Dataset, OnOverlong
from ftrecipe.components.eval import GROUP, Decoding, Eval, Measurable, Split, SuiteResult
from ftrecipe.components.eval.loss import bits_per_byte, perplexity, rows
from ftrecipe.components.eval.own import Own
from ftrecipe.components.eval.squad import best, exact_match, f1
from ftrecipe.data.files.locate import locate
from ftrecipe.errors import DataError
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

TEXT, QUESTION = "text", "questions"
SHARES = ("exact_match", "f1")


@GROUP.option("forgetting")
@dataclass
class Forgetting(Eval):
    """Loss and perplexity on plain text, and on general questions, which are answered too.

    `path`: JSON Lines with a `text` a row. `questions`: questions with short answers, in any format
    of a dataset, or null; their metrics end in `.questions`. Both are shipped, and may be your own.
    """

    headline: ClassVar[str] = "perplexity"
    of: ClassVar[str] = "general text"
    own_field: ClassVar[str] = "questions"
    per_token: ClassVar[tuple[str, ...]] = ("loss", "perplexity", "tokens")
    identity: ClassVar[tuple[str, ...]] = ("kind", "where", "question", "expected")
    percents: ClassVar[tuple[str, ...]] = tuple(f"{name}.{QUESTION}" for name in SHARES)
    directions: ClassVar[dict[str, str]] = {
        "loss": "min",
        "perplexity": "min",
        "bits_per_byte": "min",
        "loss.questions": "min",
        "perplexity.questions": "min",
        "exact_match.questions": "max",
        "f1.questions": "max",
    }

    path: str = "builtin:general.jsonl"
    max_length: int = bounded(512, 2)
    questions: str | None = "builtin:general_questions.jsonl"
    max_new_tokens: int = bounded(16, 1)

    def measure(self, model: Measurable) -> SuiteResult:
        """Measure every token of the texts, each cut at `max_length`, and then the questions."""
        found = read_texts(self.path)[: self.max_samples]
        losses = model.text_losses([text for _, text in found], self.max_length, self.batch_size)
        texts = [
            {"kind": TEXT, **row, "where": where}
            for (where, _), row in zip(found, rows(losses), strict=True)
        ]
        return self.result([*texts, *(self._asked(model) if self.questions else ())])

    def _asked(self, model: Measurable) -> Iterator[Row]:
        """Yield of each question the loss of its first answer, and how right the model's is."""
        examples = model.examples(Split.test, self.max_samples)
        losses = model.reply_losses([(one, one.answers[0]) for one in examples], self.batch_size)
        decoding = Decoding(max_new_tokens=self.max_new_tokens)
        said = model.generate([one.prompt_ids for one in examples], decoding, self.batch_size)
        for example, row, answer in zip(examples, rows(losses), said, strict=True):
            yield {
                "kind": QUESTION,
                **row,
                "question": example.question,
                "expected": example.answers,
                "answer": answer.text,
                "ended": answer.ended,
                "exact_match": best(exact_match, answer.text, example.answers),
                "f1": best(f1, answer.text, example.answers),
            }

    def tally(self, row: Row) -> dict[str, float]:
        added = {f"{name}.{row['kind']}": row[name] for name in ("nll", "tokens", "bytes")}
        if row["kind"] == QUESTION:
            added |= {name: row[name] for name in SHARES} | {QUESTION: 1.0}
        return added

    def scores(self, sums: Sums) -> "dict[str, Array]":
        nll, tokens = sums[f"nll.{TEXT}"], sums[f"tokens.{TEXT}"]
        found = {
            "loss": nll / tokens,
            "perplexity": perplexity(nll / tokens),
            "bits_per_byte": bits_per_byte(nll, sums[f"bytes.{TEXT}"]),
            "tokens": tokens,
        }
        if self.questions is None:
            return found
        loss = sums[f"nll.{QUESTION}"] / sums[f"tokens.{QUESTION}"]
        found |= {f"loss.{QUESTION}": loss, f"perplexity.{QUESTION}": perplexity(loss)}
        found |= {f"{name}.{QUESTION}": 100 * sums[name] / sums[QUESTION] for name in SHARES}
        return found | {QUESTION: sums[QUESTION]}

    def own_data(self, dataset: Dataset) -> Dataset | None:
        if self.questions is None:
            return None
        # A short trainer.max_length is no reason not to ask the others.
        return replace(Own(self.questions).read(dataset), on_overlong=OnOverlong.drop)

    def files(self) -> dict[str, Path]:
        return {"path": _file(self.path)}

    def faults(self) -> list[str]:
        try:
            _file(self.path)
        except DataError as error:
            return [fault.removeprefix("eval.forgetting.") for fault in error.faults]
        return []


def read_texts(path: str) -> list[tuple[str, str]]:
    """Read the `text` of every row, with its place. Raises DataError with the file and line."""
    lines = _file(path).read_text(encoding="utf-8").split("\n")
    places = ((f"{path} line {at}", line) for at, line in enumerate(lines, 1) if line.strip())
    texts = [(where, _text(line, where)) for where, line in places]
    if not texts:
        raise DataError(f"eval.forgetting.path={path}: the file has no rows")
    return texts


def _file(path: str) -> Path:
    """Return the file that a portable name means (`builtin:` or a path). Raises DataError."""
    try:
        found = locate(path)
    except DataError as error:
        raise DataError([f"eval.forgetting.path: {fault}" for fault in error.faults]) from None
    if not isinstance(found, Path) or not found.is_file():
        raise DataError(f"eval.forgetting.path={path}: has to be a file of JSON Lines")
    return found


def _text(line: str, where: str) -> str:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not JSON ({error})") from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise DataError(f'{where}: expected {{"text": "..."}}')
    return row["text"]
