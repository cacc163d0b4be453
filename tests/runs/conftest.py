"""Run directories for the tests of the registry: planned once, then copied and filled in."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.rundir import STAGES, RunDir, read_json, write_json
from ftrecipe.state import PLANNED

MakeRun = Callable[..., RunDir]


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the quickstart's data, planned and no more."""
    folder = tmp_path_factory.mktemp("planned")
    words = ["dataset=builtin:faq/train.jsonl", "eval=[qa]", f"runs_dir={folder}"]
    return launch.create(plan.make(compose(words), counts=False)).path


@pytest.fixture
def make_run(here: Path, planned: Path) -> MakeRun:
    """Put a run into runs/<name>, as its stages would have left it."""

    def make(
        name: str,
        state: str = "finished",
        started: str = "2026-11-01T10:00:00+00:00",
        minutes: int = 5,
        stages: tuple[str, ...] = STAGES,
        metrics: dict[str, Any] | None = None,
        **config: Any,
    ) -> RunDir:
        rundir = RunDir(here / "runs" / name)
        rundir.path.mkdir(parents=True)
        for file in ("run.json", "recipe.yaml"):
            shutil.copy(planned / file, rundir.path / file)
        known = read_json(rundir.run)
        known |= {"name": name.rpartition("/")[0], "stages": list(stages)}
        known |= {"runs_dir": str(here / "runs"), "working_dir": str(here)}
        known["config"] |= config
        write_json(rundir.run, known)
        ended = datetime.fromisoformat(started) + timedelta(minutes=minutes)
        write_json(rundir.status, PLANNED | {
            "state": state, "stage": stages[-1], "started": started,
            "ended": None if state in ("planned", "running") else ended.isoformat(),
            "done": list(stages) if state == "finished" else [],
        })  # fmt: skip
        if metrics is not None:
            write_json(rundir.metrics, metrics)
        return rundir

    return make


def judged(value: float, **more: Any) -> dict[str, Any]:
    """Return metrics of a run whose tuned model has this exact match."""
    return {
        "base": {"qa": {"exact_match": 1.0}}, "tuned": {"qa": {"exact_match": value}},
        "objective": value, "objective_name": "tuned.qa.exact_match",
        "objective_direction": "maximize", **more,
    }  # fmt: skip


@pytest.fixture
def measured() -> Callable[..., dict[str, Any]]:
    """Metrics of a run whose tuned model has an exact match of so much."""
    return judged
