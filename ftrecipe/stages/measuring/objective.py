"""The one number of a run, that a sweep compares: read from what was measured."""

from typing import Any

from ftrecipe import objective
from ftrecipe.config import RunConfig
from ftrecipe.errors import ConfigError, did_you_mean
from ftrecipe.rundir import RunDir, read_json


def judged(run: RunConfig, rundir: RunDir) -> dict[str, Any]:
    """Return what metrics.json says of the objective: its value, its name, its direction.

    Raises ConfigError for a metric that was not measured.
    """
    metrics = read_json(rundir.metrics)
    name = objective.name_of(run)
    values = flat({key: metrics[key] for key in ("base", "tuned", "train") if key in metrics})
    if name not in values:
        raise ConfigError(f"objective={name} was not measured{did_you_mean(name, values)}")
    return {
        "objective": values[name],
        "objective_name": name,
        "objective_direction": objective.direction(run),
    }


def flat(node: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the leaves of nested metrics by dotted name."""
    values: dict[str, float] = {}
    for key, value in node.items():
        if isinstance(value, dict):
            values |= flat(value, f"{prefix}{key}.")
        else:
            values[f"{prefix}{key}"] = value
    return values
