"""The list of runs: which there are, read, chosen and put in order; and as a table."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftrecipe import pointers
from ftrecipe.amounts import duration, many, number
from ftrecipe.errors import ConfigError
from ftrecipe.folders import Shelf, shelf
from ftrecipe.page.words import printable
from ftrecipe.runs import filters, order
from ftrecipe.runs.record import CHECK, SWEEP, TRIAL, UNREADABLE, Record, record_of, sweep_of

ARROWS = {"maximize": " ↑", "minimize": " ↓", None: ""}
NOTHING = "–"
DONE = "finished"
HIDDEN = (CHECK, TRIAL)  # unless all is asked for


@dataclass(frozen=True)
class Asked:
    """What a person wants to see of the runs."""

    conditions: Sequence[filters.Condition] = ()
    sort: str = order.DATE
    limit: int | None = None
    everything: bool = False


@dataclass
class Listing:
    """The runs that were asked for; how many there are besides, and what could not be read."""

    folder: Path
    runs: list[Record] = field(default_factory=list)
    matching: int = 0
    hidden: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "schema_version": 1,
            "runs_dir": str(self.folder),
            "matching": self.matching,
            "hidden": dict(self.hidden),
            "faults": self.faults,
            "runs": [run.as_json() for run in self.runs],
        }


def listing(folder: Path, asked: Asked) -> Listing:
    """Read the runs below a folder. Raises ConfigError for conditions that no run could meet.

    Unless everything is asked for, checks are left out, and a sweep is one line for its trials;
    a condition on `kind` says by itself what is wanted.
    """
    there = shelf(folder)
    made = Listing(folder)
    kinds = any(one.key == "kind" for one in asked.conditions)
    whole = asked.everything or kinds or folder in there.sweeps
    known = list(_records(there, made))
    filters.check_metrics(asked.conditions, known)
    found = [run for run in known if all(one.holds(run) for one in asked.conditions)]
    shown = [run for run in found if whole or run.kind not in HIDDEN]
    made.hidden = Counter(run.kind for run in found if not whole and run.kind in HIDDEN)
    made.matching = len(shown)
    made.runs = order.ordered(shown, asked.sort)[: asked.limit]
    return made


def _records(there: Shelf, made: Listing) -> Iterator[Record]:
    """Yield every run, and every sweep after its trials."""
    names: dict[Path, list[str]] = {}
    try:
        for run, name in pointers.names_of(pointers.read_all(there)):
            names.setdefault(run, []).append(name)
    except ConfigError as error:
        made.faults += error.faults
    trials: dict[Path, list[Record]] = {sweep: [] for sweep in there.sweeps}
    for run in there.runs:
        sweep = trials.get(run.parent)
        record = record_of(run, names.get(run, []), None if sweep is None else TRIAL)
        if sweep is not None:
            sweep.append(record)
        yield record
    yield from (sweep_of(sweep, records) for sweep, records in trials.items())


def table(made: Listing, asked: Asked) -> list[str]:
    """Return the runs in lines for a person; columns that no run fills are left out."""
    if not made.runs:
        return [f"no runs in {made.folder}/" + (" are meant by that" if asked.conditions else ""),
                *_notes(made)]  # fmt: skip
    metrics = [one.key for one in asked.conditions if one.is_metric]
    if asked.sort not in order.KEYS:
        metrics.append(asked.sort)
    columns: dict[str, list[str]] = {
        "recipe": [run.name for run in made.runs],
        "status": [_status(run) for run in made.runs],
        "objective": [objective(run) for run in made.runs],
        "date": [(run.started or "").replace("T", " ")[:16] for run in made.runs],
        **{key: [number(filters.metric_of(run, key)) for run in made.runs] for key in metrics},
    }
    optional = {
        "took": [_took(run) for run in made.runs] if asked.sort == "duration" else [],
        "gate": [run.gate or "" for run in made.runs],
        "names": [", ".join(run.names) for run in made.runs],
        "tags": [", ".join(run.tags) for run in made.runs],
    }
    columns |= {name: cells for name, cells in optional.items() if any(cells)}
    columns["folder"] = [run.folder for run in made.runs]
    return [*in_columns(columns), *_notes(made)]


def in_columns(columns: dict[str, list[str]]) -> list[str]:
    """Return columns of words, the first line being their names."""
    rows = [list(columns), *map(list, zip(*columns.values(), strict=True))]
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def objective(run: Record) -> str:
    """Write a run's number with its name, which runs of before it was kept do not have."""
    if run.objective is None:
        return NOTHING
    number, name = f"{run.objective['value']:.4g}", run.objective["name"]
    if name is None:
        return number
    arrow = ARROWS.get(run.objective["direction"], "")
    return f"{number} {name.removeprefix(filters.TUNED)}{arrow}"


def _status(run: Record) -> str:
    if run.state == UNREADABLE:
        return f"cannot be read: {run.faults[0] if run.faults else 'it has no run.json'}"
    state = run.state
    if run.kind == SWEEP and run.trials:
        return f"{state}, {run.trials['finished']} of {run.trials['planned']} trials"
    if state in ("failed", "interrupted") and run.stage:
        state += f" in {run.stage}"
    going = [f"{name} {part['state']}" for name, part in run.later.items() if part["state"] != DONE]
    state += f", {' and '.join(going)}" if going else ""
    return state if run.kind == "run" else f"{state} ({run.kind})"


def _took(run: Record) -> str:
    return "" if run.seconds is None else duration(run.seconds)


def _notes(made: Listing) -> list[str]:
    """Return what a person should know besides: what is left out, and what could not be read."""
    notes = []
    if made.matching > len(made.runs):
        notes.append(f"{len(made.runs)} of {made.matching} are shown (--limit)")
    if checks := made.hidden[CHECK]:
        notes.append(f"{many(checks, 'check')} of data not shown: --all")
    broken = [fault for run in made.runs if run.state != UNREADABLE for fault in run.faults]
    notes += [f"note: {fault}" for fault in [*made.faults, *broken]]
    return ["", *map(printable, notes)] if notes else []
