"""The last lines a person sees: what changed, whether it is real, and where everything is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ftrecipe import gated, results
from ftrecipe.amounts import NONE, number, signed
from ftrecipe.components.eval import Eval
from ftrecipe.results import BASE
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.session import Session

HEAD = ("", BASE, "tuned", "change", "95 % interval", "")
FEW = 50  # examples: below, a person is told what they cannot show
MOST = 24  # lines of one baseline: a suite may have a metric for each of many parts
Values = dict[str, dict[str, float]]
Changes = dict[str, dict[str, dict[str, Any]]]


def summary(session: Session) -> list[str]:
    """Return the closing lines of a run, from what its folder holds."""
    rows = measured(session.run.eval, session.dir)
    lines = ["", *rows, ""] if rows else [""]
    own_data = not (session.run.dataset.path or "").startswith("builtin:")
    if session.run.model.toy and own_data:
        lines.append(
            "toy model: tiny knows nothing but what it was just taught; "
            "for real use: model=smollm2_135m"
        )
    gate = gated.gate_of(session.dir)
    told = gated.lines(gate) if gate else []
    told += [f"gate      {each}" for each in gated.made_before(session.dir, gate)]
    return lines + told + paths(session.dir)


def measured(suites: dict[str, Eval], rundir: RunDir) -> list[str]:
    """Return all that was measured: beside the base, and below it beside each other baseline."""
    if not rundir.metrics.is_file():
        return []
    metrics = read_json(rundir.metrics)
    tuned: Values = metrics.get("tuned", {})
    if not tuned:
        return alone(suites, {BASE: metrics.get(BASE, {}), **metrics.get("baselines", {})})
    changes: dict[str, Changes] = metrics.get("compare", {})
    lines = table(suites, BASE, metrics.get(BASE, {}), tuned, changes.get(BASE, {}))
    for who, values in metrics.get("baselines", {}).items():
        if rows := table(suites, who, values, tuned, changes.get(who, {})):
            lines += ["", *rows]
    return lines + small(suites, tuned, changes.get(BASE, {}), rundir)


def table(
    suites: dict[str, Eval], who: str, before: Values, after: Values, changes: Changes
) -> list[str]:
    """Return one line a metric: both values, the change with its interval, and what it means."""
    rows = [
        (f"{name}.{metric}", *_cells(suite, metric, before, after, name, changes.get(name, {})))
        for name, suite in suites.items()
        if name in before or who == BASE
        for metric in _metrics(suite, {**after.get(name, {}), **before.get(name, {})})
    ]
    if not rows:
        return []
    return aligned(("", who, *HEAD[2:]), rows)


def alone(suites: dict[str, Eval], models: dict[str, Values]) -> list[str]:
    """Return one line a metric with its value of each baseline, where nothing was trained."""
    rows = []
    for name, suite in suites.items():
        found = [values.get(name, {}) for values in models.values()]
        for metric in _metrics(suite, {key: value for one in found for key, value in one.items()}):
            percent, unit = suite.is_percent(metric), suite.units.get(metric)
            cells = [number(one.get(metric), percent, unit) for one in found]
            rows.append((f"{name}.{metric}", *cells))
    return aligned(("", *models), rows) if rows else []


def aligned(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the rows in columns below their heads, and how many more there are than are shown."""
    shown = [head, *rows[:MOST]]
    widths = [max(len(row[column]) for row in shown) + 2 for column in range(len(head))]
    told = ["".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in shown]
    more = len(rows) - MOST
    return told + ([f"… and {more:,} more in metrics.json"] if more > 0 else [])


def _metrics(suite: Eval, values: dict[str, float]) -> list[str]:
    """Return the metrics that can be better or worse, those of parts last."""
    known = [metric for metric in values if suite.direction(metric)]
    return sorted(known, key=lambda metric: "." in metric)


def _cells(
    suite: Eval, metric: str, before: Values, after: Values, name: str, changes: dict[str, Any]
) -> tuple[str, str, str, str, str]:
    percent, unit = suite.is_percent(metric), suite.units.get(metric)
    values = [number(side.get(name, {}).get(metric), percent, unit) for side in (before, after)]
    change = changes.get(metric)
    if change is None:
        return values[0], values[1], "", "", ""
    if change["change"] is None:
        return values[0], values[1], NONE, "", "cannot be compared"
    by = signed(change["change"], percent, unit)
    timed = suite.headline in suite.units  # a busy machine changes these too
    judged = "" if timed else meaning(change)
    return values[0], values[1], by, interval(change, percent, unit), judged


def interval(change: dict[str, Any], percent: bool = False, unit: str | None = None) -> str:
    """Write the interval of a change; nothing where there is none, or where it says no more."""
    low, high = change["low"], change["high"]
    if low is None or low == high == 0:
        return ""
    return f"{signed(low, percent, unit)} to {signed(high, percent, unit)}"


def meaning(change: dict[str, Any]) -> str:
    """Say whether a change is for the better, if it is one; nothing where nobody can tell."""
    if change["real"] is None:
        return ""
    if not change["real"]:
        return "no real change" if change["changed"] else "the same"
    return {True: "better", False: "worse", None: "changed"}[change["better"]]


def small(suites: dict[str, Eval], tuned: Values, changes: Changes, rundir: RunDir) -> list[str]:
    """Warn of suites with so few examples that only large changes can be seen."""
    lines = []
    for name, suite in suites.items():
        change = changes.get(name, {}).get(suite.headline)
        count = results.count(rundir, name) if name in tuned else 0
        if change is None or not 0 < count < FEW:
            continue
        percent, unit = suite.is_percent(suite.headline), suite.units.get(suite.headline)
        only = f"only {count} {suite.of} for {name}"
        if change["low"] is None or change["high"] == change["low"]:
            lines.append(f"{only}: small changes cannot be seen")
            continue
        seen = signed((change["high"] - change["low"]) / 2, percent, unit).lstrip("+")
        told = f"{seen} points" if percent else seen
        lines.append(f"{only}: changes of {suite.headline} under about {told} cannot be seen")
    return lines


def paths(rundir: RunDir) -> list[str]:
    """Return where the results are, of those that exist."""
    named = {
        "adapter": rundir.adapter,
        "model": rundir.model,
        "report": rundir.report_html,
    }
    exports = sorted(p for p in rundir.export.glob("[!.]*")) if rundir.export.is_dir() else []
    found = [(name, path) for name, path in named.items() if path.exists()]
    said = gated.exports_of(rundir)
    lines = [f"{name:<9} {shown(path)}" for name, path in found]
    return lines + [f"export    {shown(path)}{_verdict(said.get(path.name))}" for path in exports]


def _verdict(said: dict[str, Any] | None) -> str:
    """Say what the gate of an export found, where it is not what was trained."""
    return f"  ({said['verdict']})" if said and said["verdict"] in gated.BAD else ""


def shown(path: Path) -> str:
    """Write a path as short as it is true from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
