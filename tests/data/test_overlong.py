"""Rows longer than max_length: nothing is cut in silence."""

import pytest

from ftrecipe.data.example import OnOverlong, Where
from ftrecipe.data.tokens.masks import Unsupervised
from ftrecipe.data.tokens.overlong import Overlong
from ftrecipe.data.tokens.tokenize import MASKED, Row


def row(length: int, number: int = 1, trained_from: int = 0, head: int = 0) -> Row:
    ids = list(range(length))
    labels = [MASKED] * trained_from + ids[trained_from:]
    return Row(Where("faq.csv", "line", number), ids, labels, head=head)


def talk(*runs: int, head: int = 0) -> Row:
    """Return a row of runs of so many tokens: context, an answer, context, an answer …"""
    labels: list[int] = []
    for number, run in enumerate(runs):
        at = len(labels)
        labels += range(at, at + run) if number % 2 else [MASKED] * run
    return Row(Where("faq.csv", "line", 1), list(range(len(labels))), labels, head=head)


def test_by_default_it_is_refused_with_count_longest_and_what_to_do():
    overlong = Overlong(OnOverlong.error, 1024)
    for number in range(1196):
        overlong.fit(row(3, number))
    for length, number in ((1100, 3), (1833, 17), (1025, 20), (1400, 21)):
        overlong.fit(row(length, number))
    assert overlong.failures() == [
        "4 of 1,200 rows are longer than trainer.max_length=1024; the longest: "
        "faq.csv line 17 (1,833 tokens), faq.csv line 21 (1,400 tokens), faq.csv line 3 "
        "(1,100 tokens); 99 % of all rows fit into 3; add dataset.on_overlong=drop, "
        "truncate_left, truncate_right or split, or trainer.max_length=1833"
    ]


def test_a_limit_of_the_model_is_not_called_a_setting():
    overlong = Overlong(OnOverlong.error, 10, models_own=True)
    overlong.fit(row(11))
    [fault] = overlong.failures()
    assert "longer than the 10 tokens the model takes" in fault
    assert "max_length" not in fault


@pytest.mark.parametrize(("lengths", "expected"), [
    ([5], 5),
    (list(range(1, 101)), 99),
    (list(range(1, 102)), 100),
    ([1] * 98 + [7, 9], 7),
    ([], None),
])  # fmt: skip
def test_the_length_that_99_percent_of_all_rows_fit_into_is_known(lengths, expected):
    overlong = Overlong(OnOverlong.drop, 50)
    for length in lengths:
        overlong.fit(row(length))
    assert overlong.fits_99 == expected


def test_of_rows_as_long_the_first_is_named():
    overlong = Overlong(OnOverlong.drop, 10)
    for number in range(1, 9):
        overlong.fit(row(11, number))
    assert [one["where"] for one in overlong.longest] == [f"faq.csv line {n}" for n in (1, 2, 3)]


def test_rows_of_just_max_length_are_kept():
    overlong = Overlong(OnOverlong.error, 10)
    assert overlong.fit(row(10)) == [row(10)]
    assert overlong.failures() == []


def test_without_a_limit_nothing_is_too_long():
    assert Overlong(OnOverlong.error, None).fit(row(9999)) == [row(9999)]


def test_as_a_finding_long_rows_are_counted_and_kept_whole():
    overlong = Overlong(OnOverlong.error, 10, finding=True)
    assert overlong.fit(row(11)) == [row(11)]
    assert overlong.found == 1
    assert not overlong.counts
    assert overlong.failures() == []


def test_drop_leaves_the_row_out_and_counts_it():
    overlong = Overlong(OnOverlong.drop, 10)
    assert overlong.fit(row(11)) == []
    assert overlong.counts == {"dropped": 1}
    assert overlong.failures() == []


def test_truncation_on_the_right_keeps_the_beginning_and_counts_the_answer_that_it_cut():
    overlong = Overlong(OnOverlong.truncate_right, 10)
    [kept] = overlong.fit(row(25, trained_from=5))
    assert kept.input_ids == list(range(10))
    assert kept.labels == [MASKED] * 5 + list(range(5, 10))
    assert overlong.counts == {"truncated": 1, "answer_cut": 1}


def test_truncation_that_leaves_no_answer_is_counted_and_left_out():
    overlong = Overlong(OnOverlong.truncate_right, 10)
    assert overlong.fit(row(25, trained_from=10)) == []
    assert overlong.counts == {"answer_cut_away": 1}


def test_whole_answers_that_truncation_takes_are_counted():
    overlong = Overlong(OnOverlong.truncate_right, 10)
    [kept] = overlong.fit(talk(3, 4, 3, 4, 3, 4))
    assert kept.supervised == 4
    assert overlong.counts == {"truncated": 1, "answers_lost": 2}


def test_truncation_on_the_left_keeps_the_end():
    overlong = Overlong(OnOverlong.truncate_left, 10)
    [kept] = overlong.fit(row(25, trained_from=20))
    assert kept.input_ids == list(range(15, 25))
    assert kept.supervised == 5
    assert overlong.counts == {"truncated": 1}


def test_truncation_on_the_left_keeps_the_head():
    overlong = Overlong(OnOverlong.truncate_left, 10)
    [kept] = overlong.fit(row(25, trained_from=20, head=2))
    assert kept.input_ids == [0, 1, *range(17, 25)]


def test_a_head_that_leaves_less_than_half_of_the_room_is_given_up():
    [kept] = Overlong(OnOverlong.truncate_left, 10).fit(row(25, trained_from=20, head=6))
    assert kept.input_ids == list(range(15, 25))


def test_truncation_on_the_left_begins_behind_an_earlier_answer_where_one_ends_in_time():
    overlong = Overlong(OnOverlong.truncate_left, 12)
    [kept] = overlong.fit(talk(3, 4, 2, 4, 3, 4))
    assert kept.input_ids == list(range(13, 20))
    assert overlong.counts == {"truncated": 1, "answers_lost": 2}


def test_an_answer_longer_than_the_room_keeps_its_end():
    overlong = Overlong(OnOverlong.truncate_left, 10)
    [kept] = overlong.fit(row(25, trained_from=5))
    assert kept.labels == list(range(15, 25))
    assert overlong.counts == {"truncated": 1, "answer_cut": 1}


@pytest.mark.parametrize("policy", [OnOverlong.truncate_left, OnOverlong.truncate_right])
@pytest.mark.parametrize("head", [0, 1, 4, 5, 9])
def test_what_is_left_has_never_more_than_max_length(policy, head):
    for size in range(11, 30):
        for kept in Overlong(policy, 10).fit(row(size, trained_from=3, head=head)):
            assert len(kept.input_ids) <= 10
            assert len(kept.labels) == len(kept.input_ids)


def test_split_loses_no_token():
    overlong = Overlong(OnOverlong.split, 10)
    pieces = overlong.fit(row(25))
    assert [len(piece.input_ids) for piece in pieces] == [10, 10, 5]
    assert [i for piece in pieces for i in piece.input_ids] == list(range(25))
    assert overlong.counts == {"split": 1, "pieces": 3, "answer_cut": 1}


def test_split_leaves_out_pieces_without_anything_to_train_on():
    overlong = Overlong(OnOverlong.split, 10)
    pieces = overlong.fit(row(25, trained_from=21))
    assert [piece.input_ids[0] for piece in pieces] == [20]
    assert overlong.counts == {"split": 1, "pieces": 1, "pieces_without_answer": 2}


def test_a_row_with_nothing_to_train_on_is_unsupervised():
    with pytest.raises(Unsupervised, match="no token of it would be trained on"):
        Overlong(OnOverlong.error, 10).fit(row(5, trained_from=5))
