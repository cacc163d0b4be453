"""What a sweep has to tell, gathered from its records and the folders of its trials."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ftrecipe import objective
from ftrecipe.config import from_plain
from ftrecipe.gated import WORDS
from ftrecipe.rundir import RunDir, read_json

FAILED = WORDS[False]  # of a gate
STATES = ("finished", "failed", "refused", "interrupted", "pruned", "running")  # to be listed so


@dataclass(frozen=True)
class Trial:
    """One trial: the swept values as they were written, how it ended, where it is.

    `run` is the name of its folder, `report` the address of its report, relative to the page;
    `gate` and `exports` are what the gates of its run have said, empty where none has.
    """

    number: int
    overrides: dict[str, str]
    state: str = "finished"
    reason: str | None = None
    objective: float | None = None
    seconds: float | None = None
    run: str | None = None
    report: str | None = None
    gate: str = ""
    exports: dict[str, str] = field(default_factory=dict)

    @property
    def judged(self) -> dict[str, str]:
        """What gates said of it, by column: of its results, and of each export."""
        made = ", ".join(f"{name} {said}" for name, said in self.exports.items())
        return {"gate": self.gate, "exports": made}

    @property
    def score(self) -> float | None:
        """The objective, where it can be compared: the trial has finished and it is a number."""
        value = self.objective
        fits = self.state == "finished" and value is not None and math.isfinite(value)
        return value if fits else None


@dataclass(frozen=True)
class Story:
    """All that the page says, as plain values; `trials` has the best first."""

    name: str
    folder: Path
    objective: str
    direction: str
    state: str = "finished"
    sweeper: str = ""
    words: list[str] = field(default_factory=list)
    swept: list[str] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    baseline: float | None = None
    percent: bool = False
    started: str | None = None
    ended: str | None = None

    @property
    def ranked(self) -> list[Trial]:
        """The trials that can be compared, the best first."""
        return [trial for trial in self.trials if trial.score is not None]

    @property
    def unranked(self) -> list[Trial]:
        """The trials without a number to compare."""
        return [trial for trial in self.trials if trial.score is None]

    @property
    def best(self) -> Trial | None:
        """The trial that won."""
        return next(iter(self.ranked), None)

    @property
    def judged(self) -> list[str]:
        """The columns of what gates said of trials, those in which something stands."""
        told = [trial.judged for trial in self.trials]
        return [name for name in ("gate", "exports") if any(each[name] for each in told)]

    @property
    def best_passed(self) -> Trial | None:
        """The best trial whose gate did not fail."""
        return next((trial for trial in self.ranked if trial.gate != FAILED), None)

    @property
    def keys(self) -> list[str]:
        """The swept keys, and any other that a trial has set."""
        found = [key for trial in self.trials for key in trial.overrides]
        return list(dict.fromkeys([*self.swept, *found]))

    @property
    def best_recipe(self) -> Path:
        """The file that the winner's recipe is shared as."""
        return self.folder / "best.yaml"


def read_story(sweep_dir: Path) -> Story:
    """Read the files of a sweep, finished or not."""
    record = read_json(sweep_dir / "sweep.json")
    trials = [_trial(read_json(file), sweep_dir) for file in sweep_dir.glob("trials/*.json")]
    ranked = sorted(trials, key=lambda trial: _rank(trial, record["direction"]))
    best = next((trial for trial in ranked if trial.score is not None), None)
    rundir = RunDir(sweep_dir / best.run) if best is not None and best.run else None
    return Story(
        name=record["name"],
        folder=sweep_dir,
        objective=record["objective"],
        direction=record["direction"],
        state=record["state"],
        sweeper=record["sweeper"],
        words=record["words"],
        swept=record["swept"],
        trials=ranked,
        baseline=_baseline(rundir, record["objective"]),
        percent=_is_percent(rundir, record["objective"]),
        started=record["started"],
        ended=record["ended"],
    )


def _trial(record: dict[str, Any], sweep_dir: Path) -> Trial:
    run = record["run"]
    return Trial(
        number=record["number"],
        overrides={key: str(text) for key, text in record["overrides"].items()},
        state=record["state"],
        reason=record["reason"],
        objective=record["objective"],
        seconds=record["seconds"],
        run=run,
        gate=record.get("gate") or "",
        exports=record.get("exports", {}),
        report=None if run is None else _report(RunDir(sweep_dir / run), sweep_dir),
    )


def _report(rundir: RunDir, sweep_dir: Path) -> str | None:
    file = rundir.report_html
    return quote(file.relative_to(sweep_dir).as_posix()) if file.is_file() else None


def _rank(trial: Trial, direction: str) -> tuple[bool, float, int, int]:
    """Order trials: those with a score by it, then the others by their state."""
    score = trial.score
    sign = -1 if direction == "maximize" else 1
    state = STATES.index(trial.state)
    return (score is None, 0.0 if score is None else sign * score, state, trial.number)


def _baseline(rundir: RunDir | None, name: str) -> float | None:
    """Return what the base model reached, where the objective is measured on both models."""
    who, _, metric = name.partition(".")
    if who != "tuned" or rundir is None or not rundir.metrics.is_file():
        return None
    suite, _, metric = metric.partition(".")
    value = read_json(rundir.metrics).get("base", {}).get(suite, {}).get(metric)
    return value if value is not None and math.isfinite(value) else None


def _is_percent(rundir: RunDir | None, name: str) -> bool:
    if rundir is None or not rundir.run.is_file():
        return False
    return objective.is_percent(name, from_plain(read_json(rundir.run)["config"]).eval)
