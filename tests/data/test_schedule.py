"""What prepared rows mean for training: packing, steps, recommended length and epochs."""

from array import array

import pytest

from ftrecipe.data.audit.schedule import schedule


def test_an_epoch_has_a_step_for_every_batch_and_one_for_the_rest():
    assert schedule([10] * 17, 64, packing=False, rows_per_step=8, seed=1)["steps_per_epoch"] == 3


def test_packing_makes_an_epoch_shorter():
    plain = schedule([16] * 64, 64, packing=False, rows_per_step=4, seed=1)
    packed = schedule([16] * 64, 64, packing=True, rows_per_step=4, seed=1)
    assert (plain["steps_per_epoch"], packed["steps_per_epoch"]) == (16, 4)
    assert packed["packing_efficiency"] == 1


def test_the_share_of_padding_is_counted_to_the_longest_row():
    found = schedule(array("i", [10, 20, 30]), None, packing=False, rows_per_step=8, seed=1)
    assert found["padding_efficiency"] == pytest.approx(60 / 90, abs=1e-4)


def test_the_recommended_length_fits_ninety_nine_of_a_hundred():
    lengths = [100] * 99 + [5000]
    found = schedule(lengths, None, packing=False, rows_per_step=1, seed=1)["recommended"]
    assert found["max_length"] == 128


@pytest.mark.parametrize(("rows", "epochs"), [(100, 2), (20, 10), (1000, 1), (4, 10)])
def test_recommended_epochs_make_for_enough_steps(rows: int, epochs: int):
    found = schedule([10] * rows, None, packing=False, rows_per_step=1, seed=1)["recommended"]
    assert found["num_train_epochs"] == epochs


def test_no_rows_are_no_steps():
    found = schedule([], None, packing=False, rows_per_step=8, seed=1)
    assert found["steps_per_epoch"] == 0
    assert found["recommended"] is None
