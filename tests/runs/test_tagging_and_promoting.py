"""`runs tag`, `promote`, `rollback` and `names`, as a person uses them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from answers import ROOT, Cli

from ftrecipe.rundir import RunDir, read_json

MakeRun = Callable[..., RunDir]
Measured = Callable[..., dict[str, Any]]


def test_tags_are_added_once_and_taken_away(make_run: MakeRun, cli: Cli) -> None:
    run = make_run("quick/1")
    assert cli("runs", "tag", "quick/1", "b", "a", "b").out.endswith(": a, b\n")
    assert cli("runs", "tag", "quick/1", "--remove", "a").out.endswith(": b\n")
    assert cli("runs", "tag", "quick/1", "--remove=b").out.endswith(": no tags\n")
    schema = json.loads((ROOT / "ftrecipe/schemas/tags.json").read_text("utf-8"))
    jsonschema.validate(read_json(run.tags), schema)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["tag"], "which run?"),
        (["tag", "quick/1"], "no tag is named"),
        (["tag", "quick/1", "Very Good"], "did you mean very-good?"),
        (["tag", "quick/1", "../x"], "is no tag"),
        (["tag", "quick/1", "ok", "--remvoe"], "did you mean --remove?"),
        (["tag", "quick/1", "--remove", "never"], "is not tagged never (it has none)"),
        (["promote", "quick/1"], "runs promote RUN name@stage"),
        (["promote", "quick/1", "bot"], "did you mean bot@production?"),
        (["promote", "quick/9", "bot@production"], "quick/1"),
        (["rollback"], "runs rollback name@stage"),
        (["rollback", "bot@production"], "is no name of a run"),
        (["names", "bot@x", "bot@y"], "one name"),
        (["show"], "runs show RUN"),
        (["compare", "quick/1"], "at least two"),
    ],
)
def test_what_cannot_be_done_is_refused(
    words: list[str], fault: str, make_run: MakeRun, cli: Cli
) -> None:
    make_run("quick/1")
    said = cli("runs", *words)
    assert said.code == 2
    assert fault in said.err


def test_a_run_is_tagged_while_it_goes_on(make_run: MakeRun, cli: Cli) -> None:
    from ftrecipe.rundir import hold

    run = make_run("quick/1", "running")
    with hold(run):
        assert cli("runs", "tag", "quick/1", "watched").code == 0


def test_a_name_comes_goes_back_and_is_listed(make_run: MakeRun, cli: Cli) -> None:
    make_run("quick/1")
    make_run("quick/2")
    assert cli("runs", "names").out.startswith("no names in runs/")
    cli("runs", "promote", "quick/1", "bot@production")
    said = cli("runs", "promote", "quick/2", "bot@production")
    assert said.out == "bot@production is runs/quick/2 (before: runs/quick/1)\n"
    assert cli("runs", "promote", "quick/2", "bot@production").out.endswith("already\n")
    said = cli("runs", "rollback", "bot@production")
    assert said.out == "bot@production is runs/quick/1 again (before: runs/quick/2)\n"
    assert "runs/quick/1" in cli("runs", "names").out
    history = cli("runs", "names", "bot@production").out
    assert history.count("promote") == 2
    assert history.count("rollback") == 1


def test_names_for_machines_are_as_their_schema_says(make_run: MakeRun, cli: Cli) -> None:
    make_run("quick/1")
    cli("runs", "promote", "quick/1", "bot@production")
    schema = json.loads((ROOT / "ftrecipe/schemas/runs_names.json").read_text("utf-8"))
    told = json.loads(cli("runs", "names", "--json").out)
    jsonschema.validate(told, schema)
    assert told["names"][0]["run"] == "runs/quick/1"


def test_an_unfinished_run_gets_a_name_only_by_force_and_that_is_kept(
    make_run: MakeRun, cli: Cli
) -> None:
    run = make_run("quick/1", "failed")
    said = cli("runs", "promote", "quick/1", "bot@production")
    assert said.code == 2
    assert "has not finished (failed)" in said.err
    assert "--force" in said.err
    assert cli("runs", "promote", "quick/1", "bot@production", "--force").code == 0
    (event,) = read_json(run.pointers)["events"]
    assert event["forced"] == ["this run has not finished (failed)"]


def test_a_run_whose_gate_failed_gets_no_name(
    make_run: MakeRun, measured: Measured, cli: Cli
) -> None:
    condition = {"condition": "qa.f1 >= base + 5", "passed": False, "reason": "only +2"}
    gate = {"passed": False, "conditions": [condition]}
    make_run("quick/1", metrics=measured(3.0, gate=gate))
    said = cli("runs", "promote", "quick/1", "bot@production")
    assert said.code == 2
    assert "failed its gate (qa.f1 >= base + 5: only +2)" in said.err


def test_a_check_of_data_gets_no_name_not_even_by_force(make_run: MakeRun, cli: Cli) -> None:
    make_run("check_faq/1", stages=("prepare",))
    said = cli("runs", "promote", "check_faq/1", "bot@production", "--force")
    assert said.code == 2
    assert "trained nothing" in said.err


def test_a_run_elsewhere_gets_a_name_where_it_lies(make_run: MakeRun, cli: Cli) -> None:
    run = make_run("quick/1")
    run.path.parent.rename("others")
    assert "is not below runs/" in cli("runs", "promote", "others/1", "bot@production").err
    assert cli("runs", "promote", "1", "bot@production", "runs_dir=others").code == 0
    assert cli("runs", "show", "bot@production", "runs_dir=others").code == 0
    assert "is no name of a run in runs/" in cli("runs", "show", "bot@production").err


def test_nothing_but_the_run_directories_says_where_a_name_points(
    make_run: MakeRun, cli: Cli
) -> None:
    make_run("quick/1")
    cli("runs", "promote", "quick/1", "bot@production")
    for lock in Path("runs").glob(".*"):
        lock.unlink()
    assert "runs/quick/1" in cli("runs", "names").out
