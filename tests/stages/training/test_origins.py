"""Rows of a training lead back to their files and lines, and to the step that trains on them."""

import pytest

from ftrecipe.data.example import Where
from ftrecipe.stages.training.origins import named
from ftrecipe.stages.training.sampling import EpochSampler, Share


def test_rows_are_named_by_file_and_line_in_order() -> None:
    places = [Where("b.csv", "row", 2), Where("a.jsonl", "line", 9), Where("a.jsonl", "line", 3)]
    assert named(places) == "3 rows: a.jsonl line 3, 9; b.csv row 2"


def test_a_part_of_a_row_is_named_too() -> None:
    assert named([Where("p.jsonl", "line", 4, "rejected")]) == "1 row: p.jsonl line 4 (rejected)"


def test_of_many_rows_the_first_are_named_and_the_others_counted() -> None:
    said = named([Where("a.jsonl", "line", number) for number in range(1, 101)])
    assert said.startswith("100 rows: a.jsonl line 1, 2, 3, ")
    assert said.endswith(", 24, and 76 more (in log.txt)")


@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("world", [1, 2])
def test_every_row_of_an_epoch_falls_to_one_step_of_one_process(
    world: int, accumulation: int
) -> None:
    sampler = EpochSampler(
        None, rows=29, together=4, seed=1, filled_to=4 * world if world > 1 else 1
    )
    shares = [Share(sampler, 4, accumulation, world, rank) for rank in range(world)]
    steps = shares[0].steps_per_epoch
    for epoch in range(2):
        held = [
            row for share in shares for step in range(epoch * steps + 1, (epoch + 1) * steps + 1)
            for batch in share.rows(step) for row in batch
        ]  # fmt: skip
        assert sorted(held) == list(range(29))
    assert shares[0].rows(1) != shares[0].rows(steps + 1)
