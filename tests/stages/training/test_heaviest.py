"""The heaviest batch: by its padded tokens, and by those that have logits."""

import pytest
from datasets import Dataset

from ftrecipe.stages.training.heaviest import Scale, Weights
from ftrecipe.stages.training.packing import PackedDataset, supervised_counts


def row(length: int, trained: int) -> dict[str, list[int]]:
    return {"input_ids": [5] * length, "labels": [-100] * (length - trained) + [5] * trained}


ROWS = [row(10, 2), row(30, 2), row(28, 20), row(5, 5), row(29, 1)]
NARROW = Scale(token=100.0, supervised=0.0)
WIDE = Scale(token=1.0, supervised=100.0)


def test_a_first_token_is_never_counted_as_trained() -> None:
    assert supervised_counts(ROWS) == [2, 2, 20, 4, 1]


def test_an_arrow_table_is_counted_as_its_rows_are() -> None:
    assert supervised_counts(Dataset.from_list(ROWS)) == supervised_counts(ROWS)


def test_a_slice_of_an_arrow_table_is_counted_from_its_own_start() -> None:
    part = Dataset.from_list(ROWS).select(range(2, 5))
    assert supervised_counts(part) == [20, 4, 1]


def test_packed_rows_count_all_their_documents() -> None:
    packed = PackedDataset(ROWS, capacity=40, seed=0)
    assert sum(supervised_counts(packed)) == sum(supervised_counts(ROWS))


def test_the_longest_rows_are_the_heaviest_where_logits_are_cheap() -> None:
    assert sorted(Weights(ROWS, NARROW).heaviest(3)) == [1, 2, 4]


def test_rows_with_many_answers_are_the_heaviest_where_logits_are_dear() -> None:
    assert Weights(ROWS, WIDE).heaviest(3) == [1, 2, 3]


def test_padding_counts_as_tokens_do() -> None:
    assert Weights(ROWS, NARROW).batch([0, 1]) == 2 * 30 * 100.0


def test_packed_rows_have_no_padding_that_counts() -> None:
    packed = PackedDataset(ROWS, capacity=40, seed=0)
    every = list(range(len(packed)))
    assert Weights(packed, NARROW).batch(every) == pytest.approx(102 * 100.0)
