"""The closing table says what changed, whether that is sure, and whether it is good."""

from pathlib import Path
from typing import Any

import pytest

from ftrecipe import results
from ftrecipe.components.eval.latency import Latency
from ftrecipe.components.eval.qa import Qa
from ftrecipe.rundir import RunDir, write_json
from ftrecipe.stages.summary import interval, meaning, measured

SURE: dict[str, Any] = {"change": 5.0, "low": 1.0, "high": 9.0, "real": True, "changed": 30}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (SURE | {"better": True}, "better"),
        (SURE | {"better": False}, "worse"),
        (SURE | {"better": None}, "changed"),
        (SURE | {"real": False, "better": None}, "no real change"),
        (SURE | {"real": False, "changed": 0, "better": None}, "the same"),
        (SURE | {"real": None, "changed": None, "better": None}, ""),
    ],
)
def test_only_a_real_change_is_called_better_or_worse(change: dict[str, Any], said: str) -> None:
    assert meaning(change) == said


def test_an_interval_that_says_nothing_is_left_out() -> None:
    assert interval(SURE, percent=True) == "+1.0 to +9.0"
    assert interval(SURE | {"low": 0.0, "high": 0.0}) == ""
    assert interval(SURE | {"low": None, "high": None}) == ""


def a_run(folder: Path, questions: int, **baselines: Any) -> RunDir:
    rundir = RunDir(folder / "run")
    results.write(rundir, "qa", "tuned", [{"question": str(n)} for n in range(questions)], [])
    change = {"qa": {"f1": SURE | {"better": True}, "exact_match": SURE | {"better": True}}}
    values = {"qa": {"exact_match": 40.0, "f1": 50.0, "questions": questions}}
    write_json(rundir.metrics, {
        "base": {"qa": {"exact_match": 35.0, "f1": 45.0, "questions": questions}},
        "tuned": values, "baselines": baselines,
        "compare": {who: change for who in ("base", *baselines)},
    })  # fmt: skip
    return rundir


def test_few_questions_are_warned_about(tmp_path: Path) -> None:
    assert measured({"qa": Qa()}, a_run(tmp_path, 12))[-1] == (
        "only 12 questions for qa: changes of exact_match under about 4.0 points cannot be seen"
    )
    assert not measured({"qa": Qa()}, a_run(tmp_path, 500))[-1].startswith("only")


def test_other_baselines_have_a_table_below(tmp_path: Path) -> None:
    lines = measured({"qa": Qa()}, a_run(tmp_path, 500, few_shot={"qa": {"f1": 45.0}}))
    assert [line.split()[0] for line in lines if line] == [
        "base", "qa.exact_match", "qa.f1", "few_shot", "qa.exact_match", "qa.f1",
    ]  # fmt: skip
    assert lines[2].split() == [
        "qa.f1", "45.0", "%", "50.0", "%", "+5.0", "+1.0", "to", "+9.0", "better",
    ]  # fmt: skip


def test_before_training_the_baselines_stand_alone(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path / "run")
    few_shot = {"few_shot": {"qa": {"exact_match": 40.0}}}
    base = {"qa": {"exact_match": 35.0, "f1": 45.0}}
    write_json(rundir.metrics, {"base": base, "baselines": few_shot})
    assert [line.split() for line in measured({"qa": Qa()}, rundir)] == [
        ["base", "few_shot"], ["qa.exact_match", "35.0", "%", "40.0", "%"],
        ["qa.f1", "45.0", "%", "–"],
    ]  # fmt: skip


def test_times_and_sizes_have_their_units(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path / "run")
    change = {"change": -0.5, "low": None, "high": None, "real": None, "changed": None,
              "better": None}  # fmt: skip
    name = next(metric for metric, unit in Latency.units.items() if unit == "seconds")
    write_json(rundir.metrics, {
        "base": {"latency": {name: 1.5}}, "tuned": {"latency": {name: 1.0}},
        "compare": {"base": {"latency": {name: change}}},
    })  # fmt: skip
    line = measured({"latency": Latency()}, rundir)[1]
    assert line.split() == [f"latency.{name}", "1.5", "s", "1.0", "s", "−500", "ms"]


def test_times_are_not_judged_since_a_busy_machine_changes_them_too(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path / "run")
    change = {"change": -0.5, "low": -0.6, "high": -0.4, "real": True, "changed": 9, "better": True}
    write_json(rundir.metrics, {
        "base": {"latency": {Latency.headline: 1.5}}, "tuned": {"latency": {Latency.headline: 1.0}},
        "compare": {"base": {"latency": {Latency.headline: change}}},
    })  # fmt: skip
    assert "better" not in measured({"latency": Latency()}, rundir)[1]
