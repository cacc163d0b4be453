"""Which tokens' log-probabilities the gate compares."""

import numpy as np

from ftrecipe.stages.exporting.fidelity.figures import likely


def test_tokens_that_either_model_finds_likely_count() -> None:
    mine = np.log([[0.9, 0.0995, 0.0005], [0.5, 0.4996, 0.0004]])
    own = np.log([[0.9, 0.0999, 0.0001], [0.5, 0.4980, 0.0020]])
    assert likely(mine, own).tolist() == [[True, True, False], [True, True, True]]


def test_likeliest_token_counts_where_none_is_likely() -> None:
    flat = np.log(np.array([[1.001, *[0.999999] * 4999]]) / 5000)
    assert likely(flat, flat).sum() == 1
