"""Rows longer than max_length: nothing is cut in silence."""

import pytest

from ftrecipe.data.example import OnOverlong, RowFault, Where
from ftrecipe.data.tokenize import MASKED, Overlong, Row
from ftrecipe.errors import DataError


def row(length: int, number: int = 1, trained_from: int = 0) -> Row:
    ids = list(range(length))
    labels = [MASKED] * trained_from + ids[trained_from:]
    return Row(Where("faq.csv", "line", number), ids, labels)


def test_by_default_it_is_refused_with_count_longest_and_what_to_do():
    overlong = Overlong(OnOverlong.error, 1024)
    for number in range(1197):
        overlong.fit(row(3, number))
    for length, number in ((1100, 3), (1833, 17), (1025, 20)):
        overlong.fit(row(length, number))
    with pytest.raises(DataError) as error:
        overlong.refuse()
    assert str(error.value) == (
        "3 of 1,200 rows are longer than trainer.max_length=1024 (longest 1,833: faq.csv line 17);"
        " add dataset.on_overlong=drop, truncate or split, or trainer.max_length=1833"
    )


def test_a_limit_of_the_model_is_not_called_a_setting():
    overlong = Overlong(OnOverlong.error, 10, models_own=True)
    overlong.fit(row(11))
    with pytest.raises(DataError, match="longer than the 10 tokens the model takes") as error:
        overlong.refuse()
    assert "max_length" not in str(error.value)


def test_rows_of_just_max_length_are_kept():
    overlong = Overlong(OnOverlong.error, 10)
    assert overlong.fit(row(10)) == [row(10)]
    overlong.refuse()


def test_without_a_limit_nothing_is_too_long():
    assert Overlong(OnOverlong.error, None).fit(row(9999)) == [row(9999)]


def test_drop_leaves_the_row_out_and_counts_it():
    overlong = Overlong(OnOverlong.drop, 10)
    assert overlong.fit(row(11)) == []
    assert overlong.counts == {"dropped": 1}
    overlong.refuse()


def test_truncate_keeps_the_beginning():
    overlong = Overlong(OnOverlong.truncate, 10)
    [kept] = overlong.fit(row(25, trained_from=5))
    assert kept.input_ids == list(range(10))
    assert overlong.counts == {"truncated": 1}


def test_truncation_that_leaves_no_answer_is_counted_and_left_out():
    overlong = Overlong(OnOverlong.truncate, 10)
    assert overlong.fit(row(25, trained_from=12)) == []
    assert overlong.counts == {"answer_cut_away": 1}


def test_split_loses_no_token():
    overlong = Overlong(OnOverlong.split, 10)
    pieces = overlong.fit(row(25))
    assert [len(piece.input_ids) for piece in pieces] == [10, 10, 5]
    assert [i for piece in pieces for i in piece.input_ids] == list(range(25))


def test_split_leaves_out_pieces_without_anything_to_train_on():
    pieces = Overlong(OnOverlong.split, 10).fit(row(25, trained_from=21))
    assert [piece.input_ids[0] for piece in pieces] == [20]


def test_a_row_with_nothing_to_train_on_is_a_fault():
    with pytest.raises(RowFault, match="no token of it would be trained on"):
        Overlong(OnOverlong.error, 10).fit(row(5, trained_from=5))
