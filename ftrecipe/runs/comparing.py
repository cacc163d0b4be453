"""Several runs side by side: their metrics, where they differ in what they are, what they took.

Changes against the first run come from the same examples, paired; where runs answered others,
that is said, and no interval is made up.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from ftrecipe import results
from ftrecipe.compare.bootstrap import Change, Settings, changes
from ftrecipe.components.eval import Eval
from ftrecipe.config import from_plain
from ftrecipe.errors import ConfigError
from ftrecipe.lock.differing import differences
from ftrecipe.lock.sides import config_side
from ftrecipe.results import TUNED, Row
from ftrecipe.rundir import RunDir
from ftrecipe.runs.comparison import Answers, Cell, Comparison, Metric
from ftrecipe.runs.record import boundary_of, read_values, record_of

SECTIONS = ("config", "data", "model", "versions")  # of what runs are; results are told by metrics
TRAIN = ("seconds", "tokens", "tokens_per_second", "peak_memory_bytes", "steps", "loss")
SAMPLES = 12
SEED = 0


@dataclass(frozen=True)
class Side:
    """One of the runs, opened."""

    name: str
    dir: RunDir
    metrics: dict[str, Any]
    suites: dict[str, Eval]
    settings: Settings


def compared(found: Sequence[tuple[str, RunDir]]) -> Comparison:
    """Return the runs side by side. Raises ConfigError for what cannot be read, all at once."""
    sides: list[Side] = []
    faults: list[str] = []
    for name, rundir in found:
        try:
            sides.append(_side(name, rundir))
        except ConfigError as error:
            faults += [f"{name}: {fault}" for fault in error.faults]
    if faults:
        raise ConfigError(faults)
    made = Comparison([side.name for side in sides], [record_of(s.dir.path, []) for s in sides])
    for name in dict.fromkeys(name for side in sides for name in side.suites):
        _add_suite(made, name, sides)
    made.differing = list(_differing(sides))
    made.cost = [{key: side.metrics.get("train", {}).get(key) for key in TRAIN} for side in sides]
    made.curves = [_curve(side.dir) for side in sides]
    return made


def _side(name: str, rundir: RunDir) -> Side:
    boundary = boundary_of(rundir)
    try:
        run = from_plain(boundary["config"])
    except (LookupError, TypeError, OmegaConfBaseException) as error:
        raise ConfigError(f"{rundir.run}: is of another version of ftrecipe ({error})") from None
    metrics = read_values(rundir.metrics)
    settings = Settings(run.compare.resamples, run.compare.seed)
    return Side(name, rundir, metrics, run.eval, settings)


def _add_suite(made: Comparison, name: str, sides: Sequence[Side]) -> None:
    """Add the metrics of one suite, and a sample of its answers."""
    suite = next(side.suites[name] for side in sides if name in side.suites)
    rows = [results.read(side.dir, name).get(TUNED, []) for side in sides]
    values = [side.metrics.get("tuned", {}).get(name, {}) for side in sides]
    told: list[Mapping[str, Any]] = [{}]
    for at in range(1, len(sides)):
        found, why = _changes(suite, rows[at], rows[0], sides[0].settings)
        told.append(found)
        if why and values[0] and values[at]:
            made.notes.append(f"{name}: {sides[at].name} and {sides[0].name} {why}")
    for metric in dict.fromkeys(metric for known in values for metric in known):
        made.metrics.append(_metric(name, suite, metric, values, told))
    if suite.generates:
        _add_answers(made, name, suite, rows)


def _changes(
    suite: Eval, after: Sequence[Row], before: Sequence[Row], settings: Settings
) -> tuple[Mapping[str, Change], str]:
    """Return how each metric changed, or nothing and why."""
    pairs, why = paired(suite, after, before)
    if pairs is None:
        return {}, why
    try:
        return changes(suite, *pairs, settings), ""
    except (LookupError, TypeError, ValueError):  # rows on disk, of whatever version wrote them
        return {}, (
            "hold rows of another version of this suite, so that their difference has no interval; "
            "python -m ftrecipe evaluate RUN measures them anew"
        )


def paired(
    suite: Eval, after: Sequence[Row], before: Sequence[Row]
) -> tuple[tuple[list[Row], list[Row]] | None, str]:
    """Return the rows of two runs in the order of the second, or None and why they are no pairs."""
    if not after or not before:
        return None, "are not both known example by example (eval/*.jsonl)"
    mine, theirs = ([key_of(suite, row) for row in rows] for rows in (after, before))
    if sorted(mine) != sorted(theirs):
        same = len(set(mine) & set(theirs))
        return None, (
            f"are not of the same examples ({same:,} of {len(theirs):,} are), so that their "
            "difference has no interval"
        )
    waiting: dict[str, list[Row]] = {}
    for key, row in zip(mine, after, strict=True):
        waiting.setdefault(key, []).append(row)
    return ([waiting[key].pop(0) for key in theirs], list(before)), ""


def key_of(suite: Eval, row: Row) -> str:
    """Return what says which example a row is of, in one text."""
    return json.dumps({key: row.get(key) for key in suite.identity}, sort_keys=True)


def _metric(
    name: str,
    suite: Eval,
    metric: str,
    values: Sequence[Mapping[str, float]],
    told: Sequence[Mapping[str, Any]],
) -> Metric:
    direction, percent = suite.direction(metric), suite.is_percent(metric)
    known = [one[metric] for one in values if one.get(metric) is not None]
    best = (max if direction == "max" else min)(known) if known and direction else None
    alone = len(known) < 2 or len(set(known)) == 1
    cells = []
    for at, one in enumerate(values):
        value, first = one.get(metric), values[0].get(metric)
        cell = Cell(value, best=not alone and value is not None and value == best)
        if at and value is not None and first is not None:
            cell = _changed(cell, value - first, told[at].get(metric), direction)
        cells.append(cell)
    return Metric(name, metric, direction, percent, cells)


def _changed(cell: Cell, change: float, told: Any, direction: str | None) -> Cell:
    """Return a cell with its change, and the interval where examples were paired."""
    if told is None or told.low is None:
        return Cell(cell.value, cell.best, change)
    better = (change > 0) == (direction == "max") if told.real and direction else None
    return Cell(cell.value, cell.best, change, told.low, told.high, told.real, better)


def _add_answers(made: Comparison, name: str, suite: Eval, rows: Sequence[Sequence[Row]]) -> None:
    """Add a random sample of the questions that every run which answered any has answered."""
    known = [{key_of(suite, row): row for row in some} for some in rows]
    answering = [some for some in known if some]
    if len(answering) < 2:
        return
    shared = [key for key in answering[0] if all(key in some for some in answering)]
    made.shared += len(shared)
    chosen = random.Random(SEED).sample(range(len(shared)), min(SAMPLES, len(shared)))
    for at in sorted(chosen):
        row = answering[0][shared[at]]
        if "answer" not in row:
            return
        expected = row.get("expected") or []
        made.answers.append(
            Answers(
                name,
                str(row.get("question", "")),
                [str(one) for one in (expected if isinstance(expected, list) else [expected])],
                [_answer(some.get(shared[at])) for some in known],
            )
        )


def _answer(row: Row | None) -> str | None:
    return None if row is None or row.get("answer") is None else str(row["answer"])


def _differing(sides: Sequence[Side]) -> list[tuple[str, str, list[Any]]]:
    """Return what the runs do not share: section, item, and each run's value."""
    locks = [config_side(side.dir) for side in sides]
    found: dict[tuple[str, str], list[Any]] = {}
    for at in range(1, len(locks)):
        for one in differences(locks[0], locks[at]):
            if one.section in SECTIONS:
                values = found.setdefault((one.section, one.item), [one.a] * len(sides))
                values[at] = one.b
    return [(section, item, values) for (section, item), values in found.items()]


def _curve(rundir: RunDir) -> list[tuple[float, float]]:
    """Return the training loss by step."""
    if not rundir.history.is_file():
        return []
    lines = rundir.history.read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return [(row["step"], row["loss"]) for row in rows if row.get("loss") is not None]
