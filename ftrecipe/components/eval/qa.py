"""Suite `qa`: does the model answer the questions of a split as expected?"""

from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

from ftrecipe.components.eval import (
    GROUP,
    AnswerEval,
    Completion,
    Example,
    Measurable,
    SuiteResult,
)
from ftrecipe.components.eval.squad import best, exact_match, f1


@GROUP.option("qa")
@dataclass
class Qa(AnswerEval):
    """Exact match and token F1 in percent, with SQuAD's normalization and several gold answers."""

    headline: ClassVar[str] = "exact_match"
    percents: ClassVar[tuple[str, ...]] = ("exact_match", "f1")
    directions: ClassVar[dict[str, str]] = {"exact_match": "max", "f1": "max"}

    def measure(self, model: Measurable) -> SuiteResult:
        """Let the model answer, and compare with what was expected."""
        rows = [_scored(example, said) for example, said in self.answered(model)]
        means = {name: 100 * fmean(row[name] for row in rows) for name in self.directions}
        return SuiteResult(means | {"questions": float(len(rows))}, rows)


def _scored(example: Example, said: Completion) -> dict[str, Any]:
    return {
        "where": example.where,
        "question": example.question,
        "expected": example.answers,
        "answer": said.text,
        "exact_match": best(exact_match, said.text, example.answers),
        "f1": best(f1, said.text, example.answers),
    }
