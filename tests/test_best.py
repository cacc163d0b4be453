"""The best of a training's evaluations, and when it is enough: from what was logged alone."""

from pathlib import Path

import pytest

from ftrecipe import best, rules
from ftrecipe.basis import MAY_CHANGE, is_below
from ftrecipe.compose import compose
from ftrecipe.config import RunConfig
from ftrecipe.errors import ConfigError

EVALUATED = ["dataset=faq.jsonl", "eval=[qa,perplexity]", "trainer.eval_steps=4"]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    row = '{"question": "Who?", "answer": "Me."}\n'
    (tmp_path / "faq.jsonl").write_text(row * 50)


def run_of(*words: str) -> RunConfig:
    said = {word.partition("=")[0] for word in words}
    return compose([*(one for one in EVALUATED if one.partition("=")[0] not in said), *words]).run


def lines(*values: float | None, key: str = "eval_loss") -> list[dict[str, float]]:
    """Return a history with an evaluation every fourth step; None: of another metric."""
    return [
        {"step": 4 * at} | ({"loss": 1.0} if value is None else {key: value})
        for at, value in enumerate(values, 1)
    ]


@pytest.mark.parametrize(
    ("values", "value", "step", "waited"),
    [
        ((), None, None, 0),
        ((3.0,), 3.0, 4, 0),
        ((3.0, 2.0, 2.5), 2.0, 8, 1),
        ((3.0, 3.0, 3.0), 3.0, 4, 2),
        ((3.0, None, 2.0, None, 2.5), 2.0, 12, 1),
        ((float("nan"), 3.0, float("nan")), 3.0, 8, 1),
        ((3.0, float("inf"), 2.0), 2.0, 12, 0),
    ],
)
def test_the_lowest_loss_is_the_best_and_what_came_after_it_was_waited(
    values: tuple[float | None, ...], value: float | None, step: int | None, waited: int
) -> None:
    found = best.course(lines(*values), run_of())
    assert (found.value, found.step, found.waited) == (value, step, waited)


def test_a_suite_knows_which_way_its_metric_is_better() -> None:
    asked = ("trainer.eval_suites=[qa]", "trainer.load_best_model_at_end=true")
    run = run_of(*asked, "trainer.metric_for_best_model=qa.f1")
    found = best.course(lines(10.0, 50.0, 40.0, key="eval.qa.f1"), run)
    assert (found.value, found.step) == (50.0, 8)


def test_a_gain_of_no_more_than_the_threshold_is_none_but_small_ones_add_up() -> None:
    run = run_of("trainer.early_stopping_patience=9", "trainer.early_stopping_threshold=0.5")
    found = best.course(lines(3.0, 2.7, 2.5, 2.4, 2.3), run)
    assert (found.value, found.step, found.waited) == (2.4, 16, 1)


@pytest.mark.parametrize(("patience", "enough"), [(1, True), (2, True), (3, False)])
def test_patience_is_counted_in_evaluations(patience: int, enough: bool) -> None:
    run = run_of(f"trainer.early_stopping_patience={patience}")
    assert best.is_enough(lines(3.0, 2.0, 2.5, 2.5), run) == enough


def test_without_patience_it_is_never_enough() -> None:
    assert not best.is_enough(lines(1.0, *[2.0] * 99), run_of())


REFUSED = [
    (["trainer.eval_suites=[qaa]"], "trainer.eval_suites=[qaa]: is not a suite of this run; did "
     "you mean qa?"),
    (["trainer.eval_suites=[generation]"], "add it: eval=[qa,perplexity,generation]"),
    (["trainer.eval_suites=[qa,qa]"], "trainer.eval_suites: qa is named twice"),
    (["eval=[qa,latency]", "trainer.eval_suites=[qa,latency]"],
     "trainer.eval_suites=[latency]: a clock says nothing in the middle of a training; leave"),
    (["trainer.eval_suites=[qa]", "trainer.eval_steps=null"],
     "trainer.eval_suites: nothing is measured while training; add trainer.eval_steps="),
    (["trainer.load_best_model_at_end=true", "trainer.eval_steps=null"],
     "trainer.load_best_model_at_end: nothing is measured while training"),
    (["trainer.early_stopping_patience=2", "trainer.eval_steps=null"],
     "trainer.early_stopping_patience: nothing is measured while training"),
    (["trainer.load_best_model_at_end=true", "trainer.metric_for_best_model=loss"],
     "trainer.metric_for_best_model=loss: is not measured while training; did you mean eval_loss?"),
    (["trainer.load_best_model_at_end=true", "trainer.metric_for_best_model=qa.f1"],
     "is not measured while training; add trainer.eval_suites=[qa]"),
    (["trainer.load_best_model_at_end=true", "trainer.eval_suites=[qa]",
      "trainer.metric_for_best_model=qa.f2"], "did you mean qa.f1?"),
    (["trainer.metric_for_best_model=eval_loss"],
     "decides nothing; add trainer.load_best_model_at_end=true"),
    (["dataset.split.validation=0"],
     "trainer.eval_steps: the data has no validation split to measure on"),
    (["hardware=gpu_2x24gb", "strategy=zero3", "trainer.eval_suites=[qa]"],
     "trainer.eval_suites: strategy=zero3 divides the weights among devices, and suites need "
     "them whole; use strategy=ddp or strategy=zero2"),
    (["peft=adalora", "trainer.load_best_model_at_end=true"],
     "peft=adalora changes the shapes of what it trains, so that earlier weights do not fit"),
    (["trainer.eval_suites_every=0"], "trainer.eval_suites_every"),
    (["trainer.early_stopping_patience=0"], "trainer.early_stopping_patience"),
    (["trainer.extra.greater_is_better=true"], "trainer.extra.greater_is_better"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "told"), REFUSED, ids=[told[:60] for _, told in REFUSED])
def test_what_could_not_be_decided_is_refused_with_a_way_out(words: list[str], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        rules.check(run_of(*words))
    assert told in str(refused.value)


@pytest.mark.parametrize("strategy", ["ddp", "zero1", "zero2"])
def test_suites_are_measured_where_every_process_has_the_weights(strategy: str) -> None:
    rules.check(run_of("hardware=gpu_2x24gb", f"strategy={strategy}", "trainer.eval_suites=[qa]"))


def test_a_metric_of_a_part_goes_the_way_of_the_whole() -> None:
    words = ("trainer.eval_suites=[perplexity]", "trainer.load_best_model_at_end=true")
    run = run_of(*words, "trainer.metric_for_best_model=perplexity.loss.faq")
    rules.check(run)
    assert best.direction(run) == "min"


def test_a_resumed_run_may_measure_otherwise_and_keeps_what_it_compares_by() -> None:
    for key in ("eval_suites", "eval_samples", "early_stopping_patience", "load_best_model_at_end"):
        assert is_below(f"trainer.{key}", MAY_CHANGE)
    assert not is_below("trainer.metric_for_best_model", MAY_CHANGE)
