"""What a list says of one run, read from its small files; a file that is broken hides no run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ftrecipe.errors import ConfigError, listed
from ftrecipe.folders import SWEEP as SWEEP_FILE
from ftrecipe.found import TRAINED, seconds_of
from ftrecipe.lock.shape import misshapen
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.runs.tags import tags_of
from ftrecipe.state import LATER, PLANNED, SECONDS, read_status

RUN_SCHEMA = "run.json"
UNREADABLE = "unreadable"
STATES = ("planned", "running", "finished", "failed", "interrupted", UNREADABLE)
RUN, BASELINE, CHECK, SWEEP, TRIAL = "run", "baseline", "check", "sweep", "trial"
KINDS = (RUN, BASELINE, CHECK, SWEEP, TRIAL)
PASSED, FAILED = "passed", "failed"
SETTINGS = ("choices", "differences")  # of run.json
LARGEST_BITS = 1024  # of a float
GATES = (PASSED, FAILED, "none")


@dataclass(frozen=True)
class Record:
    """One run, or a sweep as one line.

    name: what its folder is named after, the recipe for instance. kind: `baseline` measured
    without training, `check` only looked at data. seconds: from its start to its end. metrics: all
    numbers by dotted name. faults: what could not be read. stages: the seconds of each. later: what
    was done with it after it had finished.
    """

    folder: str
    name: str
    kind: str = RUN
    recipe: str | None = None
    state: str = PLANNED["state"]
    stage: str | None = None
    error: str | None = None
    started: str | None = None
    ended: str | None = None
    seconds: float | None = None
    gate: str | None = None
    objective: dict[str, Any] | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    trials: dict[str, int] | None = None
    stages: dict[str, float] = field(default_factory=dict)
    later: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def when(self) -> float:
        """When it started, as seconds since 1970; 0 where it has not."""
        return seconds_of(self.started) or 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; numbers that JSON has no word for are null."""
        return finite({item.name: getattr(self, item.name) for item in fields(self)})


def record_of(folder: Path, names: list[str], kind: str | None = None) -> Record:
    """Read one run; never raises for what its files say, or do not."""
    rundir, faults = RunDir(folder), []
    boundary = _read(rundir.run, faults)
    metrics = _read(rundir.metrics, faults)
    status = _status(rundir, faults)
    try:
        tags = tags_of(rundir)
    except ConfigError as error:
        tags, faults = [], faults + error.faults
    stages = boundary.get("stages")
    return Record(
        folder=str(folder),
        name=_text(boundary.get("name")) or folder.parent.name,
        kind=kind or kind_of(stages if isinstance(stages, list) else [TRAINED]),
        recipe=_text(boundary.get("recipe")),
        state=status["state"] if boundary else UNREADABLE,
        stage=status["stage"],
        error=status["error"],
        started=status["started"],
        ended=status["ended"],
        seconds=_between(status["started"], status["ended"]),
        gate=gate_of(metrics),
        objective=objective_of(metrics),
        metrics=dict(numbers(metrics)),
        tags=tags,
        names=names,
        faults=faults,
        stages=status.get(SECONDS, {}),
        later=status.get(LATER, {}),
    )


def kind_of(stages: list[str]) -> str:
    """Return what a run of these stages is for."""
    if TRAINED in stages:
        return RUN
    return BASELINE if "baseline" in stages else CHECK


def sweep_of(folder: Path, records: list[Record]) -> Record:
    """Read a sweep as one line: the number of its best trial, of those that are read, stands for
    it."""
    faults: list[str] = []
    known = _read(folder / SWEEP_FILE, faults)
    states = [one.state for one in records]
    judged = [one for one in records if _judged(one, known.get("objective"))]
    best = (min if known.get("direction") == "minimize" else max)(judged, key=_value, default=None)
    return Record(
        folder=str(folder),
        name=_text(known.get("name")) or folder.parent.name,
        kind=SWEEP,
        state=_text(known.get("state")) or UNREADABLE,
        started=_text(known.get("started")),
        ended=_text(known.get("ended")),
        seconds=_between(known.get("started"), known.get("ended")),
        objective=None if best is None else best.objective,
        metrics={} if best is None else best.metrics,
        names=sorted(name for one in records for name in one.names),
        trials={"planned": _count(known.get("n_trials")), "finished": states.count("finished")},
        faults=faults,
    )


def _judged(record: Record, name: str | None) -> bool:
    """Tell whether a trial has the number that its sweep is about."""
    held = record.objective
    return held is not None and held["name"] == name and math.isfinite(held["value"])


def _value(record: Record) -> float:
    assert record.objective is not None
    return record.objective["value"]


def objective_of(metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the run's number, its name and its direction, which runs of before do not have."""
    value = metrics.get("objective")
    if not _is_number(value):
        return None
    known = {key: _text(metrics.get(f"objective_{key}")) for key in ("name", "direction")}
    return {"value": value, **known}


def gate_of(metrics: Mapping[str, Any]) -> str | None:
    """Return whether the run passed its gate, None where it has none or was not judged."""
    gate = metrics.get("gate")
    if not isinstance(gate, Mapping) or not isinstance(gate.get("passed"), bool):
        return None
    return PASSED if gate["passed"] else FAILED


def numbers(node: Mapping[str, Any], above: str = "") -> list[tuple[str, float]]:
    """Return all numbers of metrics.json with their dotted names."""
    found: list[tuple[str, float]] = []
    for key, value in node.items():
        if isinstance(value, Mapping):
            found += numbers(value, f"{above}{key}.")
        elif _is_number(value) and (above or key == "objective"):
            found.append((above + key, value))
    return found


def _is_number(value: Any) -> bool:
    """Tell whether it is one; a whole number that no float holds was never measured."""
    if isinstance(value, int):
        return not isinstance(value, bool) and value.bit_length() < LARGEST_BITS
    return isinstance(value, float)


def finite(value: Any) -> Any:
    """Return plain values with null for the numbers that JSON has no word for."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _between(started: str | None, ended: str | None) -> float | None:
    begin, end = seconds_of(started), seconds_of(ended)
    return None if begin is None or end is None else max(0.0, end - begin)


def read_values(path: Path) -> dict[str, Any]:
    """Return what a file says by name, nothing where it is not there.

    Raises ConfigError for a file that cannot be read, or says something else.
    """
    try:
        known = read_json(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if not isinstance(known, dict):
        raise ConfigError(f"{path}: holds no values by name")
    return known


def boundary_of(rundir: RunDir) -> dict[str, Any]:
    """Return run.json. Raises ConfigError where it does not say what every run says."""
    known = read_values(rundir.run)
    if lacking := [key for key in ("name", "stages", "config", *SETTINGS) if key not in known]:
        raise ConfigError(f"{rundir.run}: says nothing of {listed(lacking)}; it is no run of ours")
    if wrong := misshapen(known, RUN_SCHEMA):
        raise ConfigError([f"{rundir.run}: {fault}" for fault in wrong.values()])
    return known


def read_sound(path: Path, schema: str, faults: list[str]) -> dict[str, Any]:
    """Return what a file says by name, without the values that are not as its schema says."""
    known = read_values(path)
    wrong = misshapen(known, schema)
    faults += [f"{path}: {fault}" for fault in wrong.values()]
    return {key: value for key, value in known.items() if key not in wrong}


def _status(rundir: RunDir, faults: list[str]) -> dict[str, Any]:
    """Return the status, true also after a kill; of a run that nobody may read, a fault."""
    try:
        return read_status(rundir)
    except OSError as error:
        faults.append(f"{rundir.status}: {error.strerror}")
        return dict(PLANNED)


def _read(path: Path, faults: list[str]) -> dict[str, Any]:
    """Return what a file says by name; of a broken one nothing, and a fault."""
    try:
        return read_values(path)
    except ConfigError as error:
        faults += error.faults
        return {}
