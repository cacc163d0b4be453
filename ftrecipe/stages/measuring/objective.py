"""The one number of a run, that a sweep compares."""

from typing import Any

from ftrecipe.errors import ConfigError, did_you_mean
from ftrecipe.rundir import read_json
from ftrecipe.stages.session import Session


def objective(session: Session) -> float:
    """Return the run's one number. Raises ConfigError for a metric that was not measured."""
    metrics = read_json(session.dir.metrics)
    name = session.run.objective or default_objective(session)
    values = flat({key: metrics[key] for key in ("base", "tuned", "train") if key in metrics})
    if name not in values:
        raise ConfigError(f"objective={name} was not measured{did_you_mean(name, values)}")
    return values[name]


def default_objective(session: Session) -> str:
    """Name the headline of the first suite; without suites, the training loss."""
    for name, suite in session.run.eval.items():
        return f"tuned.{name}.{suite.headline}"
    return "train.loss"


def flat(node: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the leaves of nested metrics by dotted name."""
    values: dict[str, float] = {}
    for key, value in node.items():
        if isinstance(value, dict):
            values |= flat(value, f"{prefix}{key}.")
        else:
            values[f"{prefix}{key}"] = value
    return values
