"""Splits: exact, stable, and never the same prompt on both sides."""

import datetime
from collections import Counter
from collections.abc import Iterable

import pytest

from ftrecipe.data import split
from ftrecipe.data.example import ColumnFault, Example, RowFault, Text, Where
from ftrecipe.data.split import (
    SPLITS,
    Keys,
    Split,
    SplitBy,
    fraction_faults,
    grouped,
    place_one,
    prompt_key,
    shares,
)
from ftrecipe.errors import DataError

TENTHS = {"train": 0.8, "validation": 0.1, "test": 0.1}
KEYS = [f"question {i}" for i in range(200)]


def example(text: str, group: str | None = None, time: datetime.datetime | None = None) -> Text:
    return Text(where=Where("a.jsonl", "line", 1), text=text, group=group, time=time)


def divide(
    examples: Iterable[Example], wanted: dict[str, float], seed: int = 1,
    by: SplitBy = SplitBy.prompt,
) -> list[str]:  # fmt: skip
    keys = Keys()
    for one in examples:
        keys.add(one, by)
    return [SPLITS[code] for code in keys.place(wanted, seed, by)]


def place(prompts: list[str], wanted: dict[str, float], seed: int) -> list[str]:
    return divide(map(example, prompts), wanted, seed)


def test_fractions_are_exact():
    counts = Counter(place(KEYS, TENTHS, seed=1))
    assert counts == {"train": 160, "validation": 20, "test": 20}


def test_a_rows_split_does_not_depend_on_file_order():
    forward = dict(zip(KEYS, place(KEYS, TENTHS, seed=1), strict=True))
    backward = dict(zip(KEYS[::-1], place(KEYS[::-1], TENTHS, seed=1), strict=True))
    assert forward == backward


def test_most_rows_stay_in_their_split_when_rows_are_added():
    before = dict(zip(KEYS, place(KEYS, TENTHS, seed=1), strict=True))
    more = [*KEYS, *(f"new {i}" for i in range(10))]
    after = dict(zip(more, place(more, TENTHS, seed=1), strict=True))
    assert sum(before[key] != after[key] for key in KEYS) <= 4


def test_another_seed_gives_another_split():
    assert place(KEYS, TENTHS, seed=1) != place(KEYS, TENTHS, seed=2)


def test_a_negative_seed_is_a_seed():
    assert place(KEYS, TENTHS, seed=-1) != place(KEYS, TENTHS, seed=1)


def test_equal_prompts_fall_on_the_same_side():
    keys = [f"question {i % 40}" for i in range(200)]
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


def test_a_conversation_is_never_on_both_sides():
    rows = [example(f"turn {i}", group=f"talk {i // 5}") for i in range(200)]
    sides: dict[str | None, str] = {}
    for row, side in zip(rows, divide(rows, TENTHS), strict=True):
        assert sides.setdefault(row.group, side) == side
    assert set(sides.values()) == {"train", "validation", "test"}


def test_conversations_that_share_an_example_are_on_one_side():
    rows = [example(f"turn {i % 190}", group=f"talk {i}") for i in range(200)]
    sides = divide(rows, TENTHS)
    assert all(sides[i] == sides[i + 190] for i in range(10))


def test_rows_without_a_group_are_divided_beside_those_with_one():
    alone = [example(f"question {i}") for i in range(100)]
    rows = [*alone, *(example(f"turn {i}", group=f"talk {i // 5}") for i in range(100)), *alone]
    sides = divide(rows, TENTHS)
    assert set(sides[:100]) == {"train", "validation", "test"}
    assert sides[:100] == sides[200:]


def test_a_split_by_time_holds_out_the_newest():
    start = datetime.datetime(2026, 1, 1)
    rows = [example(f"day {i}", time=start + datetime.timedelta(days=i)) for i in range(100)]
    sides = divide(rows, TENTHS, by=SplitBy.time)
    assert sides == ["train"] * 80 + ["validation"] * 10 + ["test"] * 10


def test_a_row_without_a_time_cannot_be_split_by_time():
    with pytest.raises(RowFault, match="no time to split by"):
        divide([example("when?")], TENTHS, by=SplitBy.time)


def test_a_column_may_say_the_group():
    by_author = Split(by=SplitBy.group, column="author")
    assert grouped(example("a"), {"Author": "Ann"}, by_author).group == "Author=Ann"


def test_a_group_column_that_is_missing_is_named():
    by_author = Split(by=SplitBy.group, column="author")
    with pytest.raises(ColumnFault, match=r"no column 'author' \(dataset.split.column\)"):
        grouped(example("a"), {"text": "a"}, by_author)


@pytest.mark.parametrize("value", ["2026-03-01T12:00:00+00:00", 1772366400, "1772366400"])
def test_a_column_may_say_the_time(value: object):
    by_time = Split(by=SplitBy.time, column="at")
    found = grouped(example("a"), {"at": value}, by_time).time
    assert found == datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)


def test_what_is_no_time_is_named():
    by_time = Split(by=SplitBy.time, column="at")
    with pytest.raises(RowFault, match="holds 'soon', not a time"):
        grouped(example("a"), {"at": "soon"}, by_time)


def test_the_newest_day_is_held_out_however_large_it_is():
    start = datetime.datetime(2026, 1, 1)
    days = [0] * 10 + [1] * 10
    rows = [example(f"{i}", f"day {day}", start + datetime.timedelta(days=day))
            for i, day in enumerate(days)]  # fmt: skip
    sides = divide(rows, {"train": 0.9, "validation": 0.0, "test": 0.1}, by=SplitBy.time)
    assert sides == ["train"] * 10 + ["test"] * 10


def test_many_rows_are_divided_as_few_are(monkeypatch: pytest.MonkeyPatch):
    rows = [example(f"turn {i % 180}", group=f"talk {i // 3}") for i in range(300)]
    few = divide(rows, TENTHS)
    monkeypatch.setattr(split, "_MANY", 10)
    assert divide(rows, TENTHS) == few


def test_groups_that_a_duplicate_joins_fall_on_the_same_side_in_any_order_of_rows():
    rows = [example(f"text {at % 90}", group=f"group {at % 40}") for at in range(120)]
    there = divide(rows, TENTHS)
    assert divide(rows[::-1], TENTHS) == there[::-1]
    assert set(there) == set(SPLITS)
