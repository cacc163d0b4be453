"""ROUGE of one answer, as rouge-score computes it."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

NAMES = ("rouge1", "rouge2", "rougeL")


def rouge(answer: str, golds: Sequence[str], stemmer: bool) -> dict[str, float]:
    """Return each kind's F-measure, 0 to 1, that of the reference for which it is highest."""
    found = _scorer(stemmer).score_multi(golds, answer)
    return {name: float(found[name].fmeasure) for name in NAMES}


@cache
def _scorer(stemmer: bool) -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(list(NAMES), use_stemmer=stemmer)
