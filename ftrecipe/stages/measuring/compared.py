"""Holds the tuned model against each baseline, example by example: which change is real?"""

import math
from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property
from typing import Any

from ftrecipe import results
from ftrecipe.compare.bootstrap import Change, Interval, Paired, Settings, intervals
from ftrecipe.compare.pairs import pairs
from ftrecipe.components.eval import Eval
from ftrecipe.config import RunConfig
from ftrecipe.results import BASE, TUNED
from ftrecipe.rundir import RunDir, read_json

Row = results.Row
Models = dict[str, dict[str, dict[str, float]]]  # by model, suite and metric


class Comparison:
    """What was measured of a run's models, read once; resamples are drawn once a pair."""

    def __init__(self, run: RunConfig, rundir: RunDir) -> None:
        self.suites, self.rundir = run.eval, rundir
        self.settings = Settings(run.compare.resamples, run.compare.seed)
        self.values = values_of(rundir)
        self.tuned: dict[str, dict[str, float]] = read_json(rundir.metrics).get(TUNED, {})
        self._pairs: dict[tuple[str, str], Paired | None] = {}
        self._own: dict[str, dict[str, Interval]] = {}

    @cached_property
    def rows(self) -> dict[str, dict[str, list[Row]]]:
        """By suite and model what was seen of each example."""
        return {name: results.read(self.rundir, name) for name in self.suites}

    def pair(self, who: str, suite: str) -> Paired | None:
        """Return the tuned model beside a baseline, on what both were asked; None for nothing."""
        if (who, suite) not in self._pairs:
            rows, identity = self.rows[suite], self.suites[suite].identity
            mine, theirs = pairs(rows.get(TUNED, []), rows.get(who, []), identity)
            found = Paired(self.suites[suite], mine, theirs, self.settings) if mine else None
            self._pairs[who, suite] = found
        return self._pairs[who, suite]

    def own(self, suite: str) -> dict[str, Interval]:
        """Return the tuned model's metrics with intervals, of those that have any."""
        if suite not in self._own:
            rows = self.rows[suite].get(TUNED, [])
            one = self.suites[suite]
            self._own[suite] = intervals(one, rows, self.settings, one.is_percent) if rows else {}
        return self._own[suite]

    def told(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return by baseline, suite and metric how the tuned model differs."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for who, theirs in self.values.items():
            for name, suite in self.suites.items():
                if name in theirs and name in self.tuned and self._same_questions(who, name):
                    found.setdefault(who, {})[name] = dict(self._changes(who, name, suite))
        return found

    def _same_questions(self, who: str, suite: str) -> bool:
        """Tell whether a suite's numbers are of questions that both were asked."""
        return not self.rows[suite].get(TUNED) or self.pair(who, suite) is not None

    def _changes(self, who: str, name: str, suite: Eval) -> Iterator[tuple[str, dict[str, Any]]]:
        before, after = self.values[who][name], self.tuned[name]
        pair = self.pair(who, name)
        for metric in after:
            if metric not in before:
                continue
            drawn = pair is not None and metric in pair.metrics
            change = (
                pair.change(metric) if pair and drawn else _alone(after[metric] - before[metric])
            )
            if change.change == 0 and not change.changed and suite.direction(metric) is None:
                continue  # how many questions there are, for instance: nothing that could change
            yield metric, _plain(suite, metric, change, drawn)

    def left_out(self) -> Iterator[str]:
        """Say what could not be paired: rows of other examples are not compared."""
        for who, theirs in self.values.items():
            for name in theirs.keys() & self.tuned.keys() & self.suites.keys():
                mine, pair = self.rows[name].get(TUNED, []), self.pair(who, name)
                if mine and pair is None:
                    yield f"{name}: {who} was asked other examples, and is not compared"
                elif pair is not None and pair.examples < len(mine):
                    yield (
                        f"{name}: {pair.examples:,} of {len(mine):,} examples were asked of "
                        f"{who} too; the others are not compared"
                    )


def values_of(rundir: RunDir) -> Models:
    """Return by baseline and suite what was measured, the base first."""
    metrics = read_json(rundir.metrics)
    return {BASE: metrics.get(BASE, {}), **metrics.get("baselines", {})}


def _alone(difference: float) -> Change:
    """Return the change of a metric that is no sum over examples: it has no interval."""
    value = difference if math.isfinite(difference) else None
    return Change(value, None, None, False, 0)


def _plain(suite: Eval, metric: str, change: Change, drawn: bool) -> dict[str, Any]:
    """Return a change as JSON: `better` is None where it is not real, or neither good nor bad."""
    plain: dict[str, Any] = asdict(change)
    if not drawn:
        plain |= {"real": None, "changed": None}
    direction, moved = suite.direction(metric), change.change
    good = (moved > 0) == (direction == "max") if moved is not None else None
    return plain | {"better": good if change.real and direction else None}
