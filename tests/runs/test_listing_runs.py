"""The list of runs: what it shows and hides, its filters and order, and how long it takes."""

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from answers import ROOT, Cli

from ftrecipe.rundir import RunDir, write_json

MakeRun = Callable[..., RunDir]
Measured = Callable[..., dict[str, Any]]


@pytest.fixture
def some(make_run: MakeRun, measured: Measured) -> None:
    """Five runs of two recipes, and a check of data."""
    make_run("quick/1", started="2026-11-01T10:00:00+00:00", metrics=measured(70.0))
    make_run("quick/2", started="2026-11-02T10:00:00+00:00", metrics=measured(90.0))
    make_run("quick/3", "failed", started="2026-11-03T10:00:00+00:00")
    make_run(
        "slow/4", started="2026-11-04T10:00:00+00:00", minutes=540,
        metrics=measured(80.0, gate={"passed": False, "conditions": []}),
    )  # fmt: skip
    make_run("slow/5", "interrupted", started="2026-11-05T10:00:00+00:00")
    make_run("check_faq/6", stages=("prepare",), started="2026-11-06T10:00:00+00:00")


def listed(cli: Cli, *words: str) -> list[str]:
    """Return the folders of the runs that are listed, in their order."""
    said = cli("runs", "--json", *words)
    assert said.code == 0, said.err
    return [Path(run["folder"]).name for run in json.loads(said.out)["runs"]]


def test_the_newest_run_comes_first_and_checks_are_left_out(some: None, cli: Cli) -> None:
    assert listed(cli) == ["5", "4", "3", "2", "1"]
    assert "1 check of data not shown: --all" in cli("runs").out
    assert listed(cli, "--all")[0] == "6"


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (["recipe=quick"], "321"),
        (["recipe=q*"], "321"),
        (["recipe!=q*"], "54"),
        (["recipe=quick,slow"], "54321"),
        (["status=finished"], "421"),
        (["status=failed,interrupted"], "53"),
        (["status!=finished"], "53"),
        (["tuned.qa.exact_match>=80"], "42"),
        (["qa.exact_match>=80"], "42"),
        (["qa.exact_match>80"], "2"),
        (["qa.exact_match<80"], "1"),
        (["qa.exact_match=80"], "4"),
        (["base.qa.exact_match<=1"], "421"),
        (["objective>75", "recipe=quick"], "2"),
        (["gate=failed"], "4"),
        (["gate=none", "status=finished"], "21"),
        (["since=2026-11-03"], "543"),
        (["since=2026-11-02T12:00", "until=2026-11-05"], "43"),
        (["kind=check"], "6"),
        (["list", "recipe=slow"], "54"),
        (["--limit", "2"], "54"),
        (["--sort", "qa.exact_match"], "24153"),
        (["--sort", "objective"], "24153"),
        (["--sort", "duration"], "45321"),
        (["--sort", "recipe"], "32154"),
        (["--sort=base.qa.exact_match", "--limit=1"], "4"),
    ],
)
def test_runs_are_chosen_and_put_in_order(
    words: list[str], runs: str, some: None, cli: Cli
) -> None:
    assert "".join(listed(cli, *words)) == runs


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["statsu=finished"], "did you mean status?"),
        (["status=finishd"], "did you mean finished?"),
        (["qa.exact_macth>=3"], "did you mean qa.exact_match?"),
        (["qa.exact_match>=high"], "'high' is no number"),
        (["--sort", "qa.exactmatch"], "did you mean qa.exact_match?"),
        (["--sort", "dat"], "did you mean date?"),
        (["--limit", "none"], "--limit none: how many?"),
        (["--limit", "0"], "--limit 0: how many?"),
        (["--jsno"], "did you mean --json?"),
        (["since=yesterday"], "is no date"),
        (["tag>=x"], "write tag=x"),
        (["tag="], "says nothing"),
        (["shwo"], "did you mean show?"),
        (["a b c"], "is no condition"),
        (["seed=1"], "seed is no key"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_was_meant(
    words: list[str], fault: str, some: None, cli: Cli
) -> None:
    said = cli("runs", *words)
    assert said.code == 2
    assert fault in said.err


def test_all_faults_of_a_filter_are_told_at_once(some: None, cli: Cli) -> None:
    assert len(cli("runs", "status=x", "since=y", "statsu=z").faults) == 3


def test_the_list_for_machines_is_as_its_schema_says(some: None, cli: Cli) -> None:
    (Path("runs/quick/3/metrics.json")).write_text('{"tuned": {"qa": {"loss": NaN}}}')
    told = json.loads(cli("runs", "--json", "--all").out)
    schema = json.loads((ROOT / "ftrecipe/schemas/runs_list.json").read_text("utf-8"))
    jsonschema.validate(told, schema)
    assert next(one for one in told["runs"] if "quick/3" in one["folder"])["metrics"] == {
        "tuned.qa.loss": None
    }


def test_tags_and_names_are_columns_once_there_are_some(some: None, cli: Cli) -> None:
    assert "tags" not in cli("runs").out
    cli("runs", "tag", "quick/1", "good", "demo")
    cli("runs", "promote", "quick/2", "bot@production")
    head, *rows = cli("runs").out.splitlines()
    assert "names" in head
    assert "tags" in head
    assert any("demo, good" in row for row in rows)
    assert listed(cli, "tag=good") == ["1"]
    assert listed(cli, "name=bot") == listed(cli, "name=bot@production") == ["2"]


@pytest.mark.parametrize("file", ["run", "status", "metrics", "tags", "pointers"])
@pytest.mark.parametrize("text", ["{", "[]", "null", '{"tags": 3}', ""])
def test_no_broken_file_hides_a_run(file: str, text: str, some: None, cli: Cli) -> None:
    Path(f"runs/quick/1/{file}.json").write_text(text)
    said = cli("runs")
    assert said.code == 0
    assert all(f"runs/{name}" in said.out for name in ("quick/1", "quick/2", "slow/5"))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("status", '{"state": 3, "stage": [], "error": {}, "started": 5, "ended": [], "done": 1}'),
        (
            "status",
            '{"state": "odd", "stage": 1, "error": 2, "started": "x", "ended": "y", "done": 0}',
        ),
        ("metrics", '{"objective": 1, "objective_name": [], "objective_direction": {}, "gate": 3}'),
        ("metrics", '{"objective": "x", "tuned": [1], "gate": {"passed": "no"}}'),
        ("metrics", json.dumps({"objective": 10**400, "tuned": {"qa": {"f1": 10**400}}})),
        ("run", '{"name": 1, "recipe": 2, "stages": 3}'),
        ("pointers", '{"events": 3, "replaced_by": null}'),
        ("pointers", '{"events": [3], "replaced_by": []}'),
        ("pointers", json.dumps({"replaced_by": [], "events": [dict.fromkeys(
            ("name", "number", "action", "run", "standing", "at", "by"))]})),
        ("tags", '{"tags": [[1]]}'),
    ],
)  # fmt: skip
def test_values_of_no_sense_hide_no_run(file: str, text: str, some: None, cli: Cli) -> None:
    Path(f"runs/quick/1/{file}.json").write_text(text)
    for words in ([], ["--json"], ["--sort", "objective"], ["--sort", "duration"], ["gate=none"]):
        assert cli("runs", *words).code == 0


def test_a_sweep_is_one_line_with_its_best_trial(
    make_run: MakeRun, measured: Measured, cli: Cli
) -> None:
    for at, value in enumerate((60.0, 75.0)):
        make_run(f"quick/sweep_x/00{at}", metrics=measured(value))
    write_json(Path("runs/quick/sweep_x/sweep.json"), {
        "name": "quick", "state": "finished", "started": "2026-11-01T10:00:00+00:00",
        "ended": "2026-11-01T11:00:00+00:00", "objective": "tuned.qa.exact_match",
        "direction": "maximize", "n_trials": 3,
    })  # fmt: skip
    (line,) = cli("runs").out.splitlines()[1:2]
    assert "finished, 2 of 3 trials" in line
    assert "75 qa.exact_match ↑" in line
    assert listed(cli) == ["sweep_x"]
    assert sorted(listed(cli, "--all")) == ["000", "001", "sweep_x"]
    assert sorted(listed(cli, "kind=trial")) == ["000", "001"]
    assert sorted(listed(cli, "runs_dir=runs/quick/sweep_x")) == ["000", "001", "sweep_x"]


def test_what_the_cache_holds_is_no_run(some: None, cli: Cli) -> None:
    shutil.copytree("runs/quick/1", "runs/.cache/baseline/1")
    assert listed(cli) == ["5", "4", "3", "2", "1"]


def test_a_running_run_that_nobody_holds_is_told_as_interrupted(
    make_run: MakeRun, cli: Cli
) -> None:
    make_run("quick/1", "running")
    assert "interrupted" in cli("runs").out


def test_what_files_say_cannot_act_on_the_terminal(make_run: MakeRun, cli: Cli) -> None:
    run = make_run("quick/1")
    write_json(run.tags, {"tags": ["\x1b[2Jgone"]})
    assert "\x1b" not in cli("runs").out


def test_a_thousand_runs_are_listed_in_less_than_a_second(
    make_run: MakeRun, measured: Measured, here: Path
) -> None:
    model = make_run("quick/model", metrics=measured(50.0))
    write_json(model.tags, {"tags": ["good"]})
    for at in range(1000):
        shutil.copytree(model.path, here / "runs" / f"recipe_{at % 20}" / f"{at:04d}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(
        [sys.executable, "-m", "ftrecipe", "runs", "tag=good"],
        cwd=here, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(told.splitlines()) == 1002
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
