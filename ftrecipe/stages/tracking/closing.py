"""What a tracker is told at the end of a run: the table of its metrics, its numbers, its report."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ftrecipe.components.tracking import Tracking
from ftrecipe.components.tracking.sink import Cell, Final
from ftrecipe.results import BASE, TUNED
from ftrecipe.rundir import RunDir, read_json

COLUMNS = ["metric", "base", "tuned", "change", "low", "high", "real"]
RUNS = ("objective", "steps", "seconds", "tokens", "best_step", "best_value")


def closing(rundir: RunDir, tracking: Tracking) -> Final:
    """Return it, from the files that are there."""
    metrics = read_json(rundir.metrics) if rundir.metrics.is_file() else {}
    rows = list(_rows(metrics))
    values = dict(_values(metrics))
    return Final(
        columns=COLUMNS if rows else [],
        rows=rows,
        values={name: value for name, value in values.items() if math.isfinite(value)},
        reports=[page for page in (rundir.report_html, rundir.report_md) if page.is_file()],
        model=_model(rundir) if tracking.sends_model() else None,
        step=metrics.get("train", {}).get("steps", 0),
    )


def _rows(metrics: dict[str, Any]) -> Iterator[list[Cell]]:
    """Yield a row a metric: base, tuned, and how sure the change is."""
    base, tuned = metrics.get(BASE, {}), metrics.get(TUNED, {})
    changes = metrics.get("compare", {}).get(BASE, {})
    for suite in {**base, **tuned}:
        before, after = base.get(suite, {}), tuned.get(suite, {})
        for metric in {**before, **after}:
            told = changes.get(suite, {}).get(metric, {})
            sure = {True: "yes", False: "no"}.get(told.get("real"))
            numbers = [before.get(metric), after.get(metric)]
            numbers += [told.get(key) for key in ("change", "low", "high")]
            yield [f"{suite}.{metric}", *numbers, sure]


def _values(metrics: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers by which a tracker sorts and compares runs."""
    for who in (BASE, TUNED):
        for suite, found in metrics.get(who, {}).items():
            yield from ((f"{who}/{suite}.{metric}", value) for metric, value in found.items())
    for suite, found in metrics.get("compare", {}).get(BASE, {}).items():
        yield from ((f"change/{suite}.{metric}", told["change"]) for metric, told in found.items())
    run = {**metrics.get("train", {}), "objective": metrics.get("objective")}
    yield from ((f"run/{name}", run[name]) for name in RUNS if run.get(name) is not None)


def _model(rundir: RunDir) -> Path | None:
    """Return the folder of what was trained."""
    return next((one for one in (rundir.adapter, rundir.model) if one.is_dir()), None)
