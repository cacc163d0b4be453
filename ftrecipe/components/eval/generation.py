"""Suite `generation`: sample answers to read side by side, with what can be counted in them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, AnswerEval, Completion, Example
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array


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

    def judged(self, example: Example, said: Completion) -> Row:
        """Count an answer's words, and those it says again."""
        return {"words": words(said.text), "repetition": repetition(said.text)}

    def tally(self, row: Row) -> dict[str, float]:
        wanted = words(row["expected"][0])
        return {
            "words": row["words"],
            "wanted": wanted,
            "repetition": row["repetition"],
            "unfinished": float(not row["ended"]),
        }

    def scores(self, sums: Sums) -> "dict[str, Array]":
        return {
            "repetition": 100 * sums.mean("repetition"),
            "unfinished": 100 * sums.mean("unfinished"),
            "mean_length": sums.mean("words"),
            "length_ratio": sums["words"] / sums["wanted"],
        }


def words(text: str) -> int:
    """Return the number of words between white space."""
    return len(text.split())


def repetition(text: str, size: int = 3) -> float:
    """Return the share of word n-grams that the text has already said: 0.0 for none."""
    said = text.lower().split()
    grams = [tuple(said[at : at + size]) for at in range(len(said) - size + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0
