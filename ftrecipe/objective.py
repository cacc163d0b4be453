"""The one number that runs are compared by: its name, its direction, and what it may be."""

from ftrecipe.components.eval import Eval
from ftrecipe.config import RunConfig

TRAIN = {
    "train.loss": "minimize",
    "train.tokens_per_second": "maximize",
    "train.seconds": "minimize",
    "train.peak_memory_bytes": "minimize",
}
WORDS = {"max": "maximize", "min": "minimize"}
ARROWS = {"maximize": "↑", "minimize": "↓"}


def name_of(run: RunConfig) -> str:
    """Return what a run is judged by: as asked, else the first suite's headline, else the loss."""
    if run.objective is not None:
        return run.objective
    for name, suite in run.eval.items():
        return f"tuned.{name}.{suite.headline}"
    return "train.loss"


def direction(run: RunConfig) -> str:
    """Return "maximize" or "minimize", as the suite that measures the objective declares."""
    return directions(run)[name_of(run)]


def known(run: RunConfig) -> list[str]:
    """Return the names that the objective of this run may have."""
    return list(directions(run))


def directions(run: RunConfig) -> dict[str, str]:
    """Return what the run measures that can be better or worse, each with its direction."""
    measured = {
        f"{who}.{name}.{metric}": WORDS[which]
        for name, suite in run.eval.items()
        for metric, which in suite.directions.items()
        for who in ("tuned", "base")
    }
    return TRAIN | measured


def is_percent(name: str, suites: dict[str, Eval]) -> bool:
    """Tell whether the number of that name is a share of a hundred."""
    return any(
        name in (f"tuned.{key}.{metric}", f"base.{key}.{metric}")
        for key, suite in suites.items()
        for metric in suite.percents
    )


def short(name: str) -> str:
    """Return the name as a table shows it: `tuned.`, which nearly all begin with, is left out."""
    return name.removeprefix("tuned.")


def told(value: float, name: str, direction: str) -> str:
    """Return a value with its name and the way that is better: `85 qa.exact_match ↑`."""
    return f"{value:.4g} {short(name)} {ARROWS[direction]}"
