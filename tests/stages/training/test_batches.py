"""Collators, packing and order: what the tensors of a batch hold, with no model."""

import random

import pytest
from datasets import Dataset

from ftrecipe.data.packing import pack
from ftrecipe.stages.training.batches import IGNORED, PackedCollator, PaddingCollator
from ftrecipe.stages.training.blank import WithBlank, real
from ftrecipe.stages.training.packing import PackedDataset, token_counts
from ftrecipe.stages.training.sampling import EpochSampler, in_order, length_grouped

DOCUMENTS = [
    {"input_ids": [11, 12, 13], "labels": [11, 12, 13]},
    {"input_ids": [21, 22], "labels": [IGNORED, 22]},
    {"input_ids": [31, 32, 33, 34, 35], "labels": [IGNORED, IGNORED, 33, 34, 35]},
]


def test_padding_goes_right_and_is_never_a_target() -> None:
    batch = PaddingCollator(pad_token_id=0)(DOCUMENTS[:2])
    assert batch["input_ids"].tolist() == [[11, 12, 13], [21, 22, 0]]
    assert batch["labels"].tolist() == [[IGNORED, 12, 13], [IGNORED, 22, IGNORED]]
    assert "attention_mask" not in batch


def test_padding_rounds_up_to_a_multiple() -> None:
    assert PaddingCollator(pad_token_id=0, multiple_of=8)(DOCUMENTS)["input_ids"].shape == (3, 8)


def test_an_attention_mask_marks_the_real_tokens() -> None:
    batch = PaddingCollator(pad_token_id=0, attention_mask=True)(DOCUMENTS[:2])
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]


def test_a_packed_row_is_its_documents_end_to_end() -> None:
    row = PackedDataset(DOCUMENTS, capacity=10, seed=0)[0]
    assert sorted(row["lengths"]) == [2, 3, 5]
    assert sorted(row["input_ids"]) == sorted(t for d in DOCUMENTS for t in d["input_ids"])


ROWS = [
    {"input_ids": [11, 12, 13, 21, 22], "labels": [11, 12, 13, 21, 22], "lengths": [3, 2]},
    {"input_ids": [31], "labels": [31], "lengths": [1]},
]


def test_packed_rows_are_laid_anew_as_narrow_as_padding_allows() -> None:
    documents = [{"input_ids": [3] * 8, "labels": [3] * 8} for _ in range(16)]
    packed = PackedDataset(documents, capacity=64, seed=0)
    batch = PackedCollator(pad_token_id=0)([packed[0], packed[1]])
    assert batch["input_ids"].shape == (16, 8)


def test_packed_rows_widen_where_narrow_ones_would_be_padded() -> None:
    documents = [{"input_ids": [3] * n, "labels": [3] * n} for n in (6, 4, 4, 4, 4, 2)]
    packed = PackedDataset(documents, capacity=24, seed=0)
    assert PackedCollator(pad_token_id=0)([packed[0]])["input_ids"].shape == (3, 8)


def test_packed_rows_restart_positions_and_mask_first_labels() -> None:
    batch = PackedCollator(pad_token_id=0, multiple_of=8)(ROWS[:1])
    assert batch["input_ids"].tolist() == [[11, 12, 13, 21, 22, 0, 0, 0]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 0, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORED, 12, 13, IGNORED, 22, *[IGNORED] * 3]]
    assert "attention_mask" not in batch


def test_a_flat_batch_is_one_row_with_the_bounds_of_its_documents() -> None:
    batch = PackedCollator(pad_token_id=0, flatten=True)(ROWS)
    assert batch["input_ids"].tolist() == [[11, 12, 13, 21, 22, 31]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 0]]
    assert batch["labels"].tolist() == [[IGNORED, 12, 13, IGNORED, 22, IGNORED]]
    assert batch["cu_seq_lens_q"].tolist() == [0, 3, 5, 6]
    assert batch["max_length_q"] == 3


def test_packing_keeps_every_document_once_within_capacity() -> None:
    lengths = _some_lengths(500, longest=300)
    rows = pack(lengths, capacity=300, seed=3)
    assert sorted(document for row in rows for document in row) == list(range(500))
    assert max(sum(lengths[document] for document in row) for row in rows) <= 300


def test_packing_fits_best_first() -> None:
    rows = pack([6, 5, 4, 3, 2], capacity=10, seed=0)
    assert sorted(sorted(row) for row in rows) == [[0, 2], [1, 3, 4]]


def test_packing_depends_on_the_seed_alone() -> None:
    lengths = [5, 5, 5, 3, 3, 3] * 20
    assert pack(lengths, 8, seed=1) == pack(lengths, 8, seed=1)
    assert pack(lengths, 8, seed=1) != pack(lengths, 8, seed=2)


def test_packing_nothing_gives_no_rows() -> None:
    assert pack([], capacity=8, seed=0) == []


def test_packing_refuses_a_document_longer_than_a_row() -> None:
    with pytest.raises(ValueError, match="document 1 has 9 tokens but a packed row holds 8"):
        pack([4, 9], capacity=8, seed=0)


def test_packing_many_documents_leaves_under_a_hundredth_empty() -> None:
    lengths = _some_lengths(100_000, longest=4096)
    rows = pack(lengths, capacity=4096, seed=0)
    assert sum(lengths) / (len(rows) * 4096) > 0.99


def test_token_counts_agree_for_arrow_lists_and_packed_rows() -> None:
    assert token_counts(Dataset.from_list(DOCUMENTS)) == [3, 2, 5]
    assert token_counts(DOCUMENTS) == [3, 2, 5]
    assert token_counts(PackedDataset(DOCUMENTS, capacity=10, seed=0)) == [10]


def test_token_counts_follow_a_selection() -> None:
    assert token_counts(Dataset.from_list(DOCUMENTS).select([2, 0])) == [5, 3]


def test_length_grouping_visits_each_row_once_and_cuts_padding() -> None:
    lengths = _some_lengths(1003, longest=500)
    order = length_grouped(lengths, together=8, seed=0)
    assert sorted(order) == list(range(1003))
    assert _padding(order, lengths, 8) < 0.3 * _padding(list(range(1003)), lengths, 8)


def test_length_grouping_starts_with_the_longest_row() -> None:
    lengths = _some_lengths(64, longest=500)
    assert lengths[length_grouped(lengths, 8, seed=0)[0]] == max(lengths)


def test_length_grouping_takes_fewer_rows_than_a_batch() -> None:
    assert sorted(length_grouped([3, 1, 2], together=16, seed=0)) == [0, 1, 2]


@pytest.mark.parametrize("lengths", [None, [5, 1, 4, 2, 3, 9, 8, 7] * 8])
def test_the_order_depends_on_seed_and_epoch_alone(lengths: list[int] | None) -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = EpochSampler(lengths, rows=64, together=2, seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


@pytest.mark.parametrize("grouped", [True, False])
def test_an_optimizer_step_has_the_same_rows_on_any_number_of_processes(grouped: bool) -> None:
    """16 rows a step: 1 process x 4 rows x 4 micro-batches, 2 x 4 x 2, 4 x 4 x 1."""
    lengths = _some_lengths(1003, longest=500)

    def steps(processes: int) -> list[list[int]]:
        sampler = EpochSampler(
            lengths if grouped else None, 1003, together=16, seed=1, filled_to=4 * processes
        )
        order = list(sampler)
        assert len(order) == len(sampler)
        assert len(order) % (4 * processes) == 0 or processes == 1
        return [
            sorted(row for row in order[at : at + 16] if row < 1003)
            for at in range(0, len(order), 16)
        ]

    assert steps(1) == steps(2) == steps(4)
    assert sorted(row for step in steps(2) for row in step) == list(range(1003))


def test_blank_rows_fill_an_epoch_and_teach_nothing() -> None:
    sampler = EpochSampler(None, rows=5, together=8, seed=0, filled_to=8)
    rows = WithBlank([DOCUMENTS[0]] * 5, pad_token_id=0)
    order = list(sampler)
    assert (len(order), len(rows), order[5:]) == (8, 5, [5, 5, 5])
    taken = [rows[index] for index in order]
    assert real(taken) == [DOCUMENTS[0]] * 5
    for collator in (PaddingCollator(pad_token_id=0), PackedCollator(pad_token_id=0)):
        assert collator(taken[5:])["labels"].eq(IGNORED).all()


def test_validation_rows_come_once_the_longest_first() -> None:
    assert list(in_order([3, 9, 5], filled_to=2)) == [1, 2, 0, 3]


def _some_lengths(count: int, longest: int) -> list[int]:
    chance = random.Random(0)
    return [chance.randint(1, longest) for _ in range(count)]


def _padding(order: list[int], lengths: list[int], size: int) -> int:
    batches = [order[at : at + size] for at in range(0, len(order), size)]
    return sum(
        max(lengths[row] for row in batch) * len(batch) - sum(lengths[row] for row in batch)
        for batch in batches
    )
