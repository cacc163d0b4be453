"""What runs are compared by: named, known, with a direction that no one has to look up."""

from pathlib import Path

import pytest

from ftrecipe import objective
from ftrecipe.compose import compose
from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import RunDir, write_json
from ftrecipe.stages.measuring.objective import judged


def a_run(*words: str) -> RunConfig:
    return compose(["dataset=faq.csv", *words]).run


@pytest.mark.parametrize(
    ("words", "name", "direction"),
    [
        (["eval=[qa,perplexity]"], "tuned.qa.exact_match", "maximize"),
        (["eval=[perplexity,qa]"], "tuned.perplexity.perplexity", "minimize"),
        (["eval=[]"], "train.loss", "minimize"),
        (["eval=[qa]", "objective=tuned.qa.f1"], "tuned.qa.f1", "maximize"),
        (["objective=train.tokens_per_second"], "train.tokens_per_second", "maximize"),
        (["objective=train.seconds"], "train.seconds", "minimize"),
        (["objective=train.peak_memory_bytes"], "train.peak_memory_bytes", "minimize"),
    ],
)
def test_a_run_knows_its_objective_and_which_way_is_better(
    words: list[str], name: str, direction: str, faq: str
) -> None:
    run = a_run(*words)
    assert (objective.name_of(run), objective.direction(run)) == (name, direction)


def test_what_a_run_does_not_measure_is_not_known(faq: str) -> None:
    known = objective.known(a_run("eval=[qa]"))
    assert "tuned.qa.f1" in known
    assert "base.qa.f1" in known
    assert not [name for name in known if "perplexity" in name]


def test_what_only_parts_have_is_no_objective(faq: str) -> None:
    run = a_run("eval=[classification]")
    assert "tuned.classification.f1" not in objective.known(run)
    assert objective.direction_of("tuned.classification.f1", run) is None
    assert objective.direction_of("tuned.classification.f1.refund", run) == "maximize"


@pytest.mark.parametrize("name", sorted(GROUPS["eval"].classes))
def test_every_suite_says_which_way_its_headline_is_better(name: str) -> None:
    suite = GROUPS["eval"].get(name)
    assert suite.headline in suite.directions
    assert set(suite.directions.values()) <= set(objective.WORDS)


def test_a_metric_that_only_the_data_names_has_its_suites_direction(faq: str) -> None:
    run = a_run("eval=[qa,perplexity]", "objective=tuned.perplexity.loss.faq")
    assert objective.direction(run) == "minimize"
    assert objective.direction_of("tuned.qa.f1.refund", run) == "maximize"
    for name in ("tuned.qa.questions", "tuned.qa", "tuned.generation.chrf", "base", "qa.f1"):
        assert objective.direction_of(name, run) is None
    assert objective.is_percent("tuned.qa.f1.refund", run.eval)


def test_shares_of_a_hundred_are_known_as_such(faq: str) -> None:
    suites = a_run("eval=[qa,perplexity]").eval
    assert objective.is_percent("tuned.qa.exact_match", suites)
    assert objective.is_percent("base.perplexity.token_accuracy", suites)
    assert not objective.is_percent("tuned.perplexity.perplexity", suites)
    assert not objective.is_percent("train.loss", suites)


def test_a_number_is_told_with_its_name_and_direction() -> None:
    assert objective.told(85.0, "tuned.qa.exact_match", "maximize") == "85 qa.exact_match ↑"
    assert objective.told(0.123456, "train.loss", "minimize") == "0.1235 train.loss ↓"


def test_a_measured_run_keeps_name_and_direction_beside_the_number(faq: str, here: Path) -> None:
    rundir = RunDir(here / "run")
    write_json(rundir.metrics, {"tuned": {"qa": {"exact_match": 85.0}}, "train": {"loss": 1.5}})
    assert judged(a_run("eval=[qa]"), rundir) == {
        "objective": 85.0,
        "objective_name": "tuned.qa.exact_match",
        "objective_direction": "maximize",
    }
    with pytest.raises(ConfigError, match=r"objective=tuned\.qa\.f1 was not measured"):
        judged(a_run("eval=[qa]", "objective=tuned.qa.f1"), rundir)
