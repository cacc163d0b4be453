"""Intervals hold what is true as often as they say, and nothing makes them fall over."""

import importlib.util
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ftrecipe.compare.bootstrap import LEAST_CHANGED, Change, Settings, changes, intervals
from ftrecipe.compare.draws import draws
from ftrecipe.compare.interval import interval, student
from ftrecipe.compare.tallies import Row, Sums

ROOT = Path(__file__).parents[2]
FEW = Settings(resamples=500)


@cache
def simulation() -> Any:
    """Return the benchmark, whose simulations are judged here by fewer runs."""
    found = importlib.util.spec_from_file_location("intervals", ROOT / "benchmarks/intervals.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


class Means:
    """A suite of one mean, of a ratio, and of what is the same for every model."""

    def tally(self, row: Row) -> dict[str, float]:
        return {name: value for name, value in row.items() if name != "group"}

    def scores(self, sums: Sums) -> dict[str, Any]:
        return {
            "mean": sums.mean("score"),
            "ratio": sums["score"] / sums["size"],
            "part": sums["score.part"] / sums["of.part"],
            "examples": sums.examples,
        }


def rows(*scores: float, size: float = 1.0) -> list[Row]:
    return [{"score": float(score), "size": size} for score in scores]


def width(change: Change) -> float:
    assert change.low is not None
    assert change.high is not None
    return change.high - change.low


@pytest.mark.parametrize(
    ("examples", "simulations"),
    [
        (30, 600),
        pytest.param(100, 1500, marks=pytest.mark.slow),
        pytest.param(400, 500, marks=pytest.mark.slow),
    ],
)
def test_an_interval_holds_the_true_change_in_93_to_97_of_100(
    examples: int, simulations: int
) -> None:
    found = simulation().count(examples, simulations, gain=True, settings=Settings(1000))
    assert {name: one.coverage for name, one in found.items() if not 93 <= one.coverage <= 97} == {}


@pytest.mark.parametrize("examples", [30, 100])
def test_a_tune_without_gain_is_called_better_in_at_most_5_of_100(examples: int) -> None:
    found = simulation().count(examples, 200, gain=False, settings=FEW)
    assert {name: one.better for name, one in found.items() if one.better > 10} == {}


def test_a_large_change_of_every_example_is_real() -> None:
    change = changes(Means(), rows(*range(10, 40)), rows(*range(30)), FEW)["mean"]
    assert (change.change, change.real, change.changed) == (10, True, 30)
    assert (change.low, change.high) == pytest.approx((8.84, 10), abs=0.01)


def test_examples_that_are_all_alike_leave_room_for_others() -> None:
    right, wrong = rows(*[100] * 8), rows(*[0] * 8)
    change = changes(Means(), right, wrong, FEW)["mean"]
    assert (change.low, change.high) == pytest.approx((63.06, 100), abs=0.01)
    assert change.real
    ends = [intervals(Means(), some, FEW, lambda name: True)["mean"] for some in (right, wrong)]
    assert [(one.low, one.high) for one in ends] == [
        pytest.approx((63.06, 100), abs=0.01),
        pytest.approx((0, 36.94), abs=0.01),
    ]


def test_the_same_answers_are_no_change() -> None:
    change = changes(Means(), rows(*range(30)), rows(*range(30)), FEW)["mean"]
    assert (change.change, change.low, change.high, change.real, change.changed) == (
        0, 0, 0, False, 0,
    )  # fmt: skip


def test_fewer_than_six_examples_that_differ_are_no_real_change() -> None:
    before = rows(*[0] * 30)
    for count in range(1, LEAST_CHANGED + 3):
        change = changes(Means(), rows(*[1] * count, *[0] * (30 - count)), before, FEW)["mean"]
        assert change.changed == count
        assert change.real is (count >= LEAST_CHANGED)
        assert change.low is not None
        assert (change.low > 0) is change.real  # the interval says the same


def test_each_metric_counts_the_examples_that_changed_it() -> None:
    before = [row | {"score.part": 1.0, "of.part": 1.0} for row in rows(*range(20))]
    after = [row | {"score": row["score"] + (at < 7)} for at, row in enumerate(before)]
    found = changes(Means(), after, before, FEW)
    assert (found["mean"].changed, found["part"].changed, found["examples"].changed) == (7, 0, 0)


def test_one_example_has_no_interval_and_two_have_one_that_says_nothing() -> None:
    one = changes(Means(), rows(5), rows(1), FEW)["mean"]
    assert (one.change, one.low, one.high, one.real) == (4, None, None, False)
    two = changes(Means(), rows(5, 6), rows(1, 1), FEW)["mean"]
    assert two.real is False
    assert two.low is not None
    assert two.low <= 0 < 4.5 == two.change


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_model_that_diverged_is_no_change_that_is_real(bad: float) -> None:
    broken = [*rows(*range(29)), *rows(bad)]
    for after, before in ((broken, rows(*range(30))), (rows(*range(30)), broken), (broken, broken)):
        change = changes(Means(), after, before, FEW)["mean"]
        assert (change.change, change.low, change.high, change.real) == (None, None, None, False)
    assert intervals(Means(), broken, FEW)["mean"].low is None


def test_a_metric_that_most_resamples_do_not_have_gets_no_interval() -> None:
    some = [row | ({"score.part": 1.0, "of.part": 1.0} if at == 0 else {}) for at, row in
            enumerate(rows(*range(20)))]  # fmt: skip
    known = intervals(Means(), some, FEW)
    assert known["part"].value == 1
    assert known["mean"].low is not None
    nobody = intervals(Means(), rows(*range(20)), FEW)["part"]
    assert math.isnan(nobody.value)
    assert nobody.low is None


def test_examples_of_one_group_are_one_piece_of_evidence() -> None:
    dice = np.random.default_rng(0)
    shift = np.repeat(dice.normal(size=20), 10)
    alone, before = rows(*shift), rows(*[0.0] * 200)
    groups = [{"group": f"document {at // 10}"} for at in range(200)]
    after_in, before_in = (
        [row | group for row, group in zip(some, groups, strict=True)] for some in (alone, before)
    )
    single = changes(Means(), alone, before, FEW)["mean"]
    together = changes(Means(), after_in, before_in, FEW)["mean"]
    assert single.change == pytest.approx(together.change)
    assert width(together) > 2 * width(single)
    assert together.changed == 20


def test_groups_of_unequal_size_keep_their_weight() -> None:
    uneven = [row | {"group": "long" if at < 6 else None} for at, row in enumerate(rows(*range(8)))]
    assert intervals(Means(), uneven, FEW)["mean"].value == pytest.approx(3.5)


def test_resamples_are_the_same_whenever_they_are_drawn() -> None:
    settings = Settings(resamples=50, seed=3)
    first, again = (np.concatenate(list(draws(40, settings))) for _ in range(2))
    assert (first == again).all()
    assert (first.sum(axis=1) == 40).all()
    assert (first != np.concatenate(list(draws(40, Settings(50, 4))))).any()


def test_drawing_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(draws(40, Settings(50))))
    monkeypatch.setattr("ftrecipe.compare.draws.CELLS", 400)
    assert (whole == np.concatenate(list(draws(40, Settings(50))))).all()


def test_unequal_numbers_of_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="2 and 1 examples cannot be paired"):
        changes(Means(), rows(1, 2), rows(1), FEW)
    with pytest.raises(ValueError, match="no examples"):
        intervals(Means(), [], FEW)


def test_an_interval_is_wider_where_less_is_known() -> None:
    dice = np.random.default_rng(1)
    drawn = dice.normal(size=20_000)
    many, few = (interval(drawn, dice.normal(size=count)) for count in (10_000, 8))
    assert many == pytest.approx((-1.96, 1.96), abs=0.05)
    assert few is not None
    assert few[0] < -2.3


@pytest.mark.parametrize(
    ("freedom", "point"), [(2, 4.30265), (4, 2.77645), (9, 2.26216), (29, 2.04523), (1e6, 1.95996)]
)
def test_students_t_is_that_of_the_tables(freedom: float, point: float) -> None:
    assert student(0.025, freedom) == pytest.approx(point, rel=1e-3)


@pytest.mark.slow
def test_ten_metrics_of_ten_thousand_examples_take_seconds() -> None:
    import time

    tuned, base = simulation().two_models(np.random.default_rng(0), 10_000, gain=True)
    after, before = ([dict(zip(m, each, strict=True)) for each in zip(*m.values(), strict=True)]
                     for m in (tuned, base))  # fmt: skip
    began = time.process_time()
    changes(simulation().Simulated(), after, before, Settings())
    assert time.process_time() - began < 5


def test_metrics_of_a_part_leave_room_for_as_much_as_its_few_examples_leave_unseen() -> None:
    after = [{"score": 1.0, "size": 1.0}] * 392 + [
        {"score": 1.0, "size": 1.0, "score.part": 100.0, "of.part": 1.0}
    ] * 8
    before = [row | {"score.part": 0.0} if "of.part" in row else row for row in after]
    change = changes(Means(), after, before, FEW)["part"]
    assert change.changed == 8
    assert change.low == pytest.approx(100 * 0.025 ** (1 / 8))
    own = intervals(Means(), after, FEW, lambda metric: True)["part"]
    assert own.low == pytest.approx(100 * 0.025 ** (1 / 8))
