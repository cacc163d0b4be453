"""Suite `qa`: does the model answer the questions of a split as expected?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.dataset import Dataset
from ftrecipe.components.eval import GROUP, AnswerEval, Completion, Example
from ftrecipe.components.eval.squad import best, exact_match, f1, normalize

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

ANSWERABLE, UNANSWERABLE = "answerable", "unanswerable"


@GROUP.option("qa")
@dataclass
class Qa(AnswerEval):
    """Exact match and token F1 in percent, with SQuAD's normalization and several gold answers.

    A question without a gold answer, or with none but phrases of `no_answer`, is answered rightly
    by nothing or by such a phrase. Where both kinds are asked, each has metrics of its own.
    """

    headline: ClassVar[str] = "exact_match"
    percents: ClassVar[tuple[str, ...]] = ("exact_match", "f1")
    directions: ClassVar[dict[str, str]] = {"exact_match": "max", "f1": "max"}

    no_answer: list[str] = field(default_factory=lambda: ["unanswerable", "no answer"])

    def own_data(self, dataset: Dataset) -> Dataset | None:
        """Return the data that it brings, with the questions that have no answer in it."""
        found = super().own_data(dataset)
        return found.with_unanswerable(self.no_answer[0]) if found and self.no_answer else found

    def judged(self, example: Example, said: Completion) -> Row:
        """Compare an answer with all that are accepted."""
        answerable = self._answerable(example.answers)
        if said.missing:
            right, words = 0.0, 0.0
        elif answerable:
            right = best(exact_match, said.text, example.answers)
            words = best(f1, said.text, example.answers)
        else:
            right = words = float(normalize(said.text) in {"", *self._phrases()})
        return {"exact_match": right, "f1": words, "answerable": answerable}

    def _answerable(self, golds: Sequence[str]) -> bool:
        phrases = self._phrases()
        return any(gold.strip() and normalize(gold) not in phrases for gold in golds)

    def _phrases(self) -> set[str]:
        """Return what counts as no answer; a phrase of articles alone would be any such answer."""
        return {normalize(phrase) for phrase in self.no_answer} - {""}

    def tally(self, row: Row) -> dict[str, float]:
        part = ANSWERABLE if row["answerable"] else UNANSWERABLE
        whole = {name: row[name] for name in self.directions}
        return whole | {f"{name}.{part}": row[name] for name in whole} | {f"questions.{part}": 1.0}

    def scores(self, sums: Sums) -> "dict[str, Array]":
        found = {name: 100 * sums.mean(name) for name in self.directions}
        found["questions"] = sums.examples
        counts = {part: f"questions.{part}" for part in (ANSWERABLE, UNANSWERABLE)}
        if set(counts.values()) <= set(sums):
            for part, count in counts.items():
                for name in self.directions:
                    found[f"{name}.{part}"] = 100 * sums[f"{name}.{part}"] / sums[count]
                found[count] = sums[count]
        return found
