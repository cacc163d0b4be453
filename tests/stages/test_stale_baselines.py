"""What a baseline said before it is no longer asked for is no part of what a run says now."""

from pathlib import Path

from ftrecipe import results
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session


def test_baselines_that_a_run_is_no_longer_held_against_leave_it(tmp_path: Path) -> None:
    rundir = RunDir(tmp_path / "run")
    measured = {"qa": {"f1": 1.0}}
    write_json(
        rundir.metrics,
        {"base": measured, "tuned": measured, "baselines": {"few_shot": measured, "x/1": measured}},
    )
    for who in ("base", "few_shot", "x/1", "tuned"):
        results.write(rundir, "qa", who, [{"where": "row 1", "answer": who}], ("where",))
    session = Session(None, rundir, Screen(None), tmp_path, "run")  # type: ignore[arg-type]
    session.keep_baselines(["base", "x/1"])
    assert read_json(rundir.metrics)["baselines"] == {"x/1": measured}
    assert list(results.read(rundir, "qa")) == ["base", "x/1", "tuned"]
    session.keep_baselines(["base"])
    assert "baselines" not in read_json(rundir.metrics)
    assert list(results.read(rundir, "qa")) == ["base", "tuned"]
