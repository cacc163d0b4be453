"""Splits: exact, stable, and never the same prompt on both sides."""

from collections import Counter

import pytest

from ftrecipe.data.split import Split, fraction_faults, place, place_one, prompt_key, shares
from ftrecipe.errors import DataError

TENTHS = {"train": 0.8, "validation": 0.1, "test": 0.1}
KEYS = [prompt_key(f"question {i}") for i in range(200)]


def test_fractions_are_exact():
    counts = Counter(place(KEYS, TENTHS, seed=1))
    assert counts == {"train": 160, "validation": 20, "test": 20}


def test_a_rows_split_does_not_depend_on_file_order():
    forward = dict(zip(KEYS, place(KEYS, TENTHS, seed=1), strict=True))
    backward = dict(zip(KEYS[::-1], place(KEYS[::-1], TENTHS, seed=1), strict=True))
    assert forward == backward


def test_most_rows_stay_in_their_split_when_rows_are_added():
    before = dict(zip(KEYS, place(KEYS, TENTHS, seed=1), strict=True))
    more = [*KEYS, *(prompt_key(f"new {i}") for i in range(10))]
    after = dict(zip(more, place(more, TENTHS, seed=1), strict=True))
    assert sum(before[key] != after[key] for key in KEYS) <= 4


def test_another_seed_gives_another_split():
    assert place(KEYS, TENTHS, seed=1) != place(KEYS, TENTHS, seed=2)


def test_a_negative_seed_is_a_seed():
    assert place(KEYS, TENTHS, seed=-1) != place(KEYS, TENTHS, seed=1)


def test_equal_prompts_fall_on_the_same_side():
    keys = [prompt_key(f"question {i % 40}") for i in range(200)]
    sides = {}
    for key, side in zip(keys, place(keys, TENTHS, seed=1), strict=True):
        assert sides.setdefault(key, side) == side


def test_prompts_that_differ_in_case_and_spaces_are_equal():
    assert prompt_key("What  is\nit?") == prompt_key("what is IT? ")


def test_ten_rows_give_every_split_at_least_one():
    counts = Counter(place(KEYS[:10], {"train": 0.9, "validation": 0.05, "test": 0.05}, seed=3))
    assert counts == {"train": 8, "validation": 1, "test": 1}


def test_one_prompt_alone_is_trained_on():
    assert set(place([KEYS[0]] * 20, TENTHS, seed=1)) == {"train"}


def test_a_large_group_does_not_swallow_the_test_split():
    keys = [KEYS[0]] * 100 + KEYS[1:101]
    counts = Counter(place(keys, TENTHS, seed=1))
    assert counts == {"train": 160, "validation": 20, "test": 20}


def test_a_stream_has_about_the_same_shares():
    keys = [prompt_key(f"row {i}") for i in range(5000)]
    counts = Counter(place_one(key, TENTHS, seed=1) for key in keys)
    assert abs(counts["test"] - 500) < 80
    assert abs(counts["validation"] - 500) < 80


def test_a_split_with_a_file_of_its_own_takes_nothing_of_the_rest():
    found = shares(Split(train=0.8, validation=0.1, test=0.1), {"test"})
    assert found["test"] == 0
    assert found["train"] == pytest.approx(8 / 9)


def test_with_files_for_both_all_of_the_rest_is_trained_on():
    assert shares(Split(), {"test", "validation"})["train"] == 1


def test_fractions_that_do_not_add_up_are_refused():
    with pytest.raises(DataError, match=r"must add up to 1, not 1.05"):
        shares(Split(test=0.1), set())


def test_negative_fractions_are_refused():
    assert fraction_faults(Split(train=1.1, validation=-0.1, test=0)) == [
        "dataset.split.validation=-0.1 is below 0"
    ]
