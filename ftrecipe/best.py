"""Which of a training's evaluations is the best, and when it is enough: pure, from what was logged.

So a training that was cut off and goes on comes to the same end, with no record of its own.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ftrecipe.config import RunConfig

LOSS = "eval_loss"
MEASURED = "eval."  # begins what a suite measured while training: eval.<suite>.<metric>


@dataclass(frozen=True)
class Course:
    """How a metric has gone: its best value and that one's step, None before the first.

    waited: evaluations in a row since then without a gain of more than the threshold.
    """

    value: float | None = None
    step: int | None = None
    waited: int = 0


def name_of(run: RunConfig) -> str:
    """Return the metric that checkpoints are compared by: as asked, else the evaluation loss."""
    return run.trainer.metric_for_best_model or LOSS


def known(run: RunConfig) -> dict[str, str]:
    """Return what is measured while training and can be better or worse: "max" or "min" of each."""
    suites = {name: run.eval[name] for name in run.trainer.eval_suites if name in run.eval}
    return {LOSS: "min"} | {
        f"{name}.{metric}": way
        for name, suite in suites.items()
        for metric, way in suite.directions.items()
        if metric not in suite.only_of_parts
    }


def direction(run: RunConfig) -> str | None:
    """Return the better direction of the metric; None where it is not measured while training.

    A metric of a part, `qa.f1.refund`, is as the whole one is.
    """
    name = name_of(run)
    if name == LOSS:
        return "min"
    suite, _, metric = name.partition(".")
    measured = suite in run.trainer.eval_suites and suite in run.eval
    return run.eval[suite].direction(metric) if measured else None


def logged_as(name: str) -> str:
    """Return the key of a metric in history.jsonl."""
    return name if name == LOSS else f"{MEASURED}{name}"


def gains(value: float, than: float | None, way: str, threshold: float = 0.0) -> bool:
    """Tell whether a value is better than another by more than the threshold.

    Anything finite is better than None.
    """
    if than is None or not math.isfinite(value):
        return math.isfinite(value)
    return (value - than if way == "max" else than - value) > threshold


def course(history: Iterable[Mapping[str, Any]], run: RunConfig) -> Course:
    """Return how the metric went through logged lines; those without it are passed over."""
    key, way, found = logged_as(name_of(run)), direction(run) or "min", Course()
    for line in history:
        if key not in line:
            continue
        if gains(line[key], found.value, way, run.trainer.early_stopping_threshold):
            found = Course(line[key], line["step"])
        else:
            found = replace(found, waited=found.waited + 1)
    return found


def is_enough(history: Iterable[Mapping[str, Any]], run: RunConfig) -> bool:
    """Tell whether the training waited as many evaluations for a gain as it may."""
    patience = run.trainer.early_stopping_patience
    return patience is not None and course(history, run).waited >= patience
