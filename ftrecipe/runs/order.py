"""In which order runs are listed: the newest first, or the best first of what was measured."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ftrecipe.runs.filters import OBJECTIVE, check_keys, metric_of
from ftrecipe.runs.record import Record

Value = Callable[[Record], Any]
DATE = "date"
UP: dict[str, Value] = {"recipe": lambda run: run.name, "status": lambda run: run.state}
DOWN: dict[str, Value] = {DATE: lambda run: run.when, "duration": lambda run: run.seconds}
KEYS = (*DOWN, *UP, OBJECTIVE)


def ordered(runs: Sequence[Record], key: str) -> list[Record]:
    """Return the runs by `key`, those that lack it last; among equals, the newest first.

    Dates and durations: the largest first. Metrics: the best first, by the direction that their
    suite declares; without one, the largest. Raises ConfigError for a key that there is not.
    """
    newest = sorted(runs, key=lambda run: (run.when, run.folder), reverse=True)
    if key not in KEYS:
        check_keys([key], runs, KEYS)
    value, down = _value(key), key not in UP and _direction(key, runs) != "minimize"
    there = [run for run in newest if _is_there(value(run))]
    lacking = [run for run in newest if not _is_there(value(run))]
    return sorted(there, key=value, reverse=down) + lacking


def _value(key: str) -> Value:
    if key == OBJECTIVE:
        return lambda run: run.objective and run.objective["value"]
    return UP.get(key) or DOWN.get(key) or (lambda run: metric_of(run, key))


def _direction(key: str, runs: Sequence[Record]) -> str | None:
    if key == OBJECTIVE:
        return next((run.objective["direction"] for run in runs if run.objective), None)
    return None if key in KEYS else declared(key)


def declared(key: str) -> str | None:
    """Return "maximize" or "minimize" for a metric by its name, None where neither is better."""
    from ftrecipe.components.eval import GROUP  # takes longer than a list that needs none of it
    from ftrecipe.objective import TRAIN, WORDS

    if key in TRAIN:
        return TRAIN[key]
    who, _, rest = key.partition(".")
    name, _, metric = (rest if who in ("tuned", "base") else key).partition(".")
    suite = GROUP.classes.get(name)
    which = suite and (
        suite.directions.get(metric) or suite.directions.get(metric.partition(".")[0])
    )
    return WORDS[which] if which else None


def _is_there(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))
