"""What is done with a run that has finished: told as its own, and never of the run."""

from typing import Any

import jsonschema
import pytest
from answers import ROOT, Cli

from ftrecipe import gated, launch, plan
from ftrecipe.compose import compose
from ftrecipe.config import from_plain
from ftrecipe.ended import conclude
from ftrecipe.found import is_result
from ftrecipe.rundir import STAGES, RunDir, hold, read_json, write_json
from ftrecipe.stages.page.opening import opening
from ftrecipe.stages.page.story import read_story
from ftrecipe.stages.status import Status
from ftrecipe.state import (
    PLANNED,
    SILENT,
    command,
    known_status,
    later_name,
    read_status,
    reopen,
    troubles,
)

EXPORT, EVALUATE = ["export", "report"], ["prepare", "baseline", "evaluate", "report"]
STARTED = "2026-11-01T10:00:00+00:00"
DONE = PLANNED | {
    "state": "finished", "stage": "report", "started": STARTED, "done": list(STAGES),
    "ended": "2026-11-01T10:05:00+00:00",
}  # fmt: skip


@pytest.fixture
def run(faq: str) -> RunDir:
    """A run that has finished, as its stages would have left it."""
    words = [f"dataset={faq}", "export=[adapter,merged]", "eval=[qa]"]
    rundir = launch.create(plan.make(compose(words), counts=False))
    write_json(rundir.status, DONE)
    return rundir


def kept(rundir: RunDir) -> dict[str, Any]:
    """Return what status.json says of the run itself, once it is of its schema."""
    status = read_json(rundir.status)
    jsonschema.validate(status, read_json(ROOT / "ftrecipe" / "schemas" / "status.json"))
    return {key: status[key] for key in DONE}


@pytest.mark.parametrize(
    ("stages", "name"),
    [
        (EXPORT, "export"),
        (["prepare", *EXPORT], "export"),
        (EVALUATE, "evaluate"),
        (["report"], "report"),
        (["train", "evaluate", "export", "report"], None),
    ],
)
def test_later_work_is_called_by_what_it_is_about(stages: list[str], name: str | None) -> None:
    assert later_name(DONE, stages) == name
    assert later_name(DONE | {"state": "interrupted"}, stages) is None


@pytest.mark.parametrize(("stages", "name"), [(EXPORT, "export"), (EVALUATE, "evaluate")])
@pytest.mark.parametrize("end", ["failed", "interrupted"])
def test_a_finished_run_stays_so_whatever_comes_of_later_work(
    run: RunDir, stages: list[str], name: str, end: str
) -> None:
    status = Status(run, stages)
    with pytest.raises(OSError, match="so"), status.stage(stages[0]):
        raise OSError("so")
    status.end(end, "why")
    assert kept(run) == DONE
    assert is_result(known_status(run))
    later = read_json(run.status)["later"][name]
    assert (later["state"], later["error"], later["stage"]) == (end, "why", stages[0])
    assert later["seconds"].keys() == {stages[0]}


def test_later_work_that_is_done_again_takes_the_place_of_what_failed(run: RunDir) -> None:
    Status(run, EXPORT).end("failed", "why")
    status = Status(run, EXPORT)
    for stage in EXPORT:
        with status.stage(stage):
            pass
    assert status.finish()
    assert kept(run) == DONE
    assert read_json(run.status)["later"]["export"]["state"] == "finished"
    assert troubles(run, read_status(run)) == []


def test_a_gate_that_judges_anew_is_kept_with_the_run(run: RunDir) -> None:
    write_json(run.metrics, {"gate": {"passed": False, "conditions": []}})
    status = Status(run, ["evaluate"])
    with status.stage("evaluate"):
        pass
    assert status.finish()
    assert read_json(run.status)["gate"] == "failed"


def test_a_killed_later_work_is_interrupted_and_the_run_is_not(run: RunDir) -> None:
    Status(run, EXPORT)
    with hold(run):
        assert read_status(run)["later"]["export"]["state"] == "running"
    status = read_status(run)
    assert (status["state"], status["later"]["export"]["error"]) == ("finished", SILENT)
    assert read_json(run.status)["later"]["export"]["state"] == "interrupted"
    assert kept(run) == DONE


@pytest.mark.parametrize(
    ("code", "asked", "state", "why"),
    [
        (137, False, "interrupted", "killed by signal 9"),
        (130, True, "interrupted", "stopped"),
        (1, False, "failed", "ended with code 1"),
    ],
)
@pytest.mark.parametrize("begun", [True, False])
def test_the_launcher_says_of_the_later_work_how_it_ended(
    run: RunDir, capsys: Any, code: int, asked: bool, state: str, why: str, begun: bool
) -> None:
    before = reopen(run, EXPORT)
    if begun:
        Status(run, EXPORT)
    conclude(run, before, EXPORT, code, asked)
    later = read_json(run.status)["later"]["export"]
    assert later["state"] == state
    assert why in later["error"]
    assert kept(run) == DONE
    said = capsys.readouterr().err
    assert f"ftrecipe export {run.path} 'export=[adapter,merged]'" in said
    assert "resume" not in said


def test_a_run_that_is_to_train_on_is_finished_no_longer(run: RunDir) -> None:
    Status(run, EXPORT).end("failed", "why")
    assert reopen(run, ["train", "report"])["state"] == "interrupted"
    assert read_json(run.status)["done"] == list(STAGES)
    Status(run, ["train", "report"])
    assert "later" not in read_json(run.status)


def test_the_time_of_a_stage_counts_all_of_its_attempts(run: RunDir) -> None:
    write_json(run.status, DONE | {"state": "interrupted", "seconds": {"train": 30.0}})
    status = Status(run, ["train"])
    with status.stage("train"):
        pass
    assert 30.0 <= read_json(run.status)["seconds"]["train"] < 31.0


def test_a_single_export_is_named_as_a_person_would(run: RunDir) -> None:
    known = read_json(run.run)
    write_json(run.run, known | {"exports": ["merged"]})
    assert command(run, "export")[-1] == "export=merged"
    assert command(run, "evaluate")[-2:] == ["evaluate", str(run.path)]
    assert command(run, None)[-2:] == ["resume", str(run.path)]


@pytest.fixture
def broken_export(run: RunDir) -> RunDir:
    """A finished run whose later export was interrupted."""
    status = Status(run, EXPORT)
    with pytest.raises(OSError, match="x"), status.stage("export"):
        raise OSError("x")
    status.end("interrupted", "stopped")
    return run


def test_runs_tells_of_the_export_and_that_the_run_is_finished(
    broken_export: RunDir, cli: Cli
) -> None:
    assert "finished, export interrupted" in cli("runs").out
    assert "finished, export" in cli("runs", "status=finished").out
    shown = cli("runs", "show", str(broken_export.path)).out
    assert "was interrupted in export: stopped; once more: python -m ftrecipe export" in shown
    assert "python -m ftrecipe resume" not in shown


def test_resume_has_nothing_to_do_but_to_tell_of_the_export(
    broken_export: RunDir, cli: Cli
) -> None:
    said = cli("resume", str(broken_export.path))
    assert said.code == 0
    assert "is finished; nothing to resume" in said.out
    assert "note: export on" in said.out


def test_the_page_tells_of_the_export(broken_export: RunDir) -> None:
    run = from_plain(read_json(broken_export.run)["config"])
    page = opening(read_story(run, broken_export))
    assert "was interrupted in export: stopped; once more" in page


def test_exports_of_before_a_gate_that_fails_are_told_of(run: RunDir, cli: Cli) -> None:
    (run.export / "merged").mkdir(parents=True)
    gate = {"passed": False, "conditions": []}
    assert gated.made_before(run, None) == []
    write_json(run.metrics, {"gate": gate})
    told = "failed after merged was exported: do not use what has not passed"
    assert gated.made_before(run, gate) == [told]
    assert told in cli("runs", "show", str(run.path)).out
    config = from_plain(read_json(run.run)["config"])
    assert told in opening(read_story(config, run))
    assert gated.made_before(run, gate | {"overruled": True}) == []
    assert gated.made_before(run, gate | {"passed": True}) == []


@pytest.mark.parametrize(
    "wrong",
    [{"state": ["running"]}, {"done": [{}]}, {"done": 3}, {"seconds": {"train": "long"}},
     {"error": {}}, {"state": "asleep"}],
    ids=str,
)  # fmt: skip
def test_a_status_of_wrong_types_is_that_of_an_interrupted_run(
    run: RunDir, wrong: dict[str, Any]
) -> None:
    write_json(run.status, DONE | wrong)
    assert read_status(run)["state"] == "interrupted"


@pytest.mark.parametrize("wrong", [3, {"export": 3}, {"export": {"state": "running"}}], ids=str)
def test_later_work_of_wrong_types_hides_no_run(run: RunDir, wrong: Any) -> None:
    write_json(run.status, DONE | {"later": wrong})
    assert read_status(run) == DONE


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("metrics.json", {"base": {"qa": 3}, "tuned": [1]}),
        ("metrics.json", {"compare": {"base": {"qa": {"f1": 7}}}, "gate": ["passed"]}),
        ("metrics.json", {"exports": {"merged": "same"}, "train": {"seconds": "long"}}),
        ("data/report.json", {"examples": [1], "tokens": {"train": 3}, "sources": {}}),
    ],
    ids=str,
)
def test_a_file_of_wrong_types_is_told_and_the_rest_of_the_run_is_shown(
    run: RunDir, cli: Cli, file: str, values: dict[str, Any]
) -> None:
    write_json(run.path / file, values)
    said = cli("runs", "show", str(run.path))
    assert said.code == 0, said.err
    assert f"{file}: " in said.out
    assert cli("runs", "show", str(run.path), "--json").code == 0


def test_a_run_json_of_wrong_types_is_refused_in_words(run: RunDir, cli: Cli) -> None:
    write_json(run.run, read_json(run.run) | {"differences": [], "choices": 3})
    said = cli("runs", "show", str(run.path))
    assert said.code == 2
    assert "differences is no object" in said.err
