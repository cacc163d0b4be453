"""Which tokens count where log-probabilities of two models are held side by side."""

import numpy as np

LIKELY = 1e-3
"""The probability that one of the two models gives to a token whose log-probability counts. Below
it, rounding moves log-probabilities by much, and what is said by nothing. Where no token reaches
it, as of a model that has learned little, the likeliest counts."""


def likely(mine: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return which tokens count, of two models' log-probabilities [positions, vocabulary]."""
    best = np.maximum(mine, own)
    return best >= np.minimum(np.log(LIKELY), best.max(1, keepdims=True))
