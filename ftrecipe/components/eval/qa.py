"""Suite `qa`: does the model answer the questions of a split as expected?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, AnswerEval, Completion, Example
from ftrecipe.components.eval.squad import best, exact_match, f1

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array


@GROUP.option("qa")
@dataclass
class Qa(AnswerEval):
    """Exact match and token F1 in percent, with SQuAD's normalization and several gold answers."""

    headline: ClassVar[str] = "exact_match"
    percents: ClassVar[tuple[str, ...]] = ("exact_match", "f1")
    directions: ClassVar[dict[str, str]] = {"exact_match": "max", "f1": "max"}

    def judged(self, example: Example, said: Completion) -> Row:
        """Compare an answer with all that are accepted."""
        return {
            "exact_match": best(exact_match, said.text, example.answers),
            "f1": best(f1, said.text, example.answers),
        }

    def tally(self, row: Row) -> dict[str, float]:
        return {name: row[name] for name in self.directions}

    def scores(self, sums: Sums) -> "dict[str, Array]":
        means = {name: 100 * sums.mean(name) for name in self.directions}
        return means | {"questions": sums.examples}
