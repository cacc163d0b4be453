"""Suite `generation`: sample answers to read side by side, with what can be counted in them."""

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
from ftrecipe.registry import bounded


@GROUP.option("generation")
@dataclass
class Generation(AnswerEval):
    """Answers side by side: how much they repeat themselves, how long they are, whether they end.

    `unfinished` and `repetition` are in percent, lengths in words; the ratio is to the first
    expected answer.
    """

    headline: ClassVar[str] = "repetition"
    percents: ClassVar[tuple[str, ...]] = ("repetition", "unfinished")
    directions: ClassVar[dict[str, str]] = {"repetition": "min", "unfinished": "min"}

    max_samples: int | None = bounded(16, 1)

    def measure(self, model: Measurable) -> SuiteResult:
        """Let the model answer, and count."""
        rows = [_counted(example, said) for example, said in self.answered(model)]
        wanted = sum(words(row["expected"][0]) for row in rows)
        metrics = {
            "repetition": 100 * fmean(row["repetition"] for row in rows),
            "unfinished": 100 * fmean(not row["ended"] for row in rows),
            "mean_length": fmean(row["words"] for row in rows),
            "length_ratio": sum(row["words"] for row in rows) / max(wanted, 1),
        }
        return SuiteResult(metrics, rows)


def words(text: str) -> int:
    """Return the number of words between white space."""
    return len(text.split())


def repetition(text: str, size: int = 3) -> float:
    """Return the share of word n-grams that the text has already said: 0.0 for none."""
    said = text.lower().split()
    grams = [tuple(said[at : at + size]) for at in range(len(said) - size + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def _counted(example: Example, said: Completion) -> dict[str, Any]:
    return {
        "where": example.where,
        "question": example.question,
        "expected": example.answers,
        "answer": said.text,
        "words": words(said.text),
        "repetition": repetition(said.text),
        "ended": said.ended,
    }
