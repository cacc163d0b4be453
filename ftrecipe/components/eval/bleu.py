"""BLEU and chrF: sacrebleu counts what one answer shares with its references, sums give scores."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    from ftrecipe.compare.tallies import Array

ORDERS = 4  # of BLEU: runs of one to four words
CHARACTERS = 6  # of chrF: runs of one to six characters
BETA = 2  # of chrF: recall counts twice as much as precision
BLEU_COUNTS = 2 + 2 * ORDERS  # lengths of answer and reference; runs shared; runs in the answer
CHRF_COUNTS = 3 * CHARACTERS  # an order: runs in the answer, in the reference, shared


def bleu_counts(answer: str, golds: Sequence[str], tokenize: str, lowercase: bool) -> list[int]:
    """Return sacrebleu's statistics of one answer; their sums are those of a corpus."""
    found = _bleu(tokenize, lowercase).sentence_score(answer, golds)
    return [found.sys_len, found.ref_len, *found.counts, *found.totals]


def chrf_counts(answer: str, golds: Sequence[str], lowercase: bool) -> list[int]:
    """Return sacrebleu's statistics of one answer against the reference that fits it best."""
    references = [[gold] for gold in golds]
    return _chrf(lowercase)._extract_corpus_statistics([answer], references)[0]


@cache
def _bleu(tokenize: str, lowercase: bool) -> "BLEU":
    from sacrebleu.metrics.bleu import BLEU

    # The effective order changes a sentence's score, which is not used, and no statistic.
    return BLEU(tokenize=tokenize, lowercase=lowercase, effective_order=True)


@cache
def _chrf(lowercase: bool) -> "CHRF":
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(char_order=CHARACTERS, word_order=0, beta=BETA, lowercase=lowercase)


def bleu(counts: "Array") -> "Array":
    """Return corpus BLEU, 0 to 100, of summed statistics [samples, BLEU_COUNTS].

    Source: `BLEU.compute_bleu` of sacrebleu 2.6 with its defaults: a precision without a match is
    smoothed (exp), and an order without any run in the answers makes the score zero.
    """
    import numpy as np

    said, wanted = counts[:, 0], counts[:, 1]
    shared, runs = counts[:, 2 : 2 + ORDERS], counts[:, 2 + ORDERS :]
    with np.errstate(all="ignore"):
        penalty = np.where(said < wanted, np.exp(1 - wanted / said), 1.0)
        halved = np.cumsum(shared == 0, axis=1)
        precision = np.where(shared == 0, 100 / (2.0**halved * runs), 100 * shared / runs)
        score = penalty * np.exp(np.log(precision).mean(axis=1))
    defined = (said > 0) & (runs > 0).all(axis=1) & (shared > 0).any(axis=1)
    return np.where(defined, score, 0.0)


def chrf(counts: "Array") -> "Array":
    """Return corpus chrF, 0 to 100, of summed statistics [samples, CHRF_COUNTS].

    Source: `CHRF._compute_f_score` of sacrebleu 2.6 with its defaults: the mean precision and
    recall of the orders that both sides have.
    """
    import numpy as np

    said, wanted, shared = counts[:, 0::3], counts[:, 1::3], counts[:, 2::3]
    both = (said > 0) & (wanted > 0)
    with np.errstate(all="ignore"):
        orders = both.sum(axis=1)
        precision = np.where(both, shared / said, 0.0).sum(axis=1) / orders
        recall = np.where(both, shared / wanted, 0.0).sum(axis=1) / orders
        weight = BETA**2
        score = 100 * (1 + weight) * precision * recall / (weight * precision + recall)
    return np.where(shared.sum(axis=1) > 0, score, 0.0)
