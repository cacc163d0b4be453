"""The one number that runs are compared by: its name, its direction, and what it may be."""

from ftrecipe.amounts import number
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
MODELS = ("tuned", "base")


def name_of(run: RunConfig) -> str:
    """Return what a run is judged by: as asked, else the first suite's headline, else the loss."""
    if run.objective is not None:
        return run.objective
    for name, suite in run.eval.items():
        return f"tuned.{name}.{suite.headline}"
    return "train.loss"


def direction(run: RunConfig) -> str:
    """Return "maximize" or "minimize", as the suite that measures the objective declares."""
    found = direction_of(name_of(run), run)
    assert found is not None, "a rule has seen that it has one"
    return found


def direction_of(name: str, run: RunConfig) -> str | None:
    """Return the direction of a number, None where the run does not measure it, or it has none.

    A suite also knows that of metrics which only its data or tasks name.
    """
    who, _, rest = name.partition(".")
    suite, _, metric = rest.partition(".")
    if who in MODELS and suite in run.eval and metric:
        return WORDS.get(run.eval[suite].direction(metric) or "")
    return TRAIN.get(name)


def known(run: RunConfig) -> list[str]:
    """Return the names that the objective of this run may have, of those known before it runs."""
    measured = [
        f"{who}.{name}.{metric}"
        for name, suite in run.eval.items()
        for metric in suite.directions
        if metric not in suite.only_of_parts
        for who in MODELS
    ]
    return [*TRAIN, *measured]


def is_percent(name: str, suites: dict[str, Eval]) -> bool:
    """Tell whether the number of that name is a share of a hundred."""
    who, _, rest = name.partition(".")
    suite, _, metric = rest.partition(".")
    return who in MODELS and suite in suites and suites[suite].is_percent(metric)


def short(name: str) -> str:
    """Return the name as a table shows it: `tuned.`, which nearly all begin with, is left out."""
    return name.removeprefix("tuned.")


def told(value: float, name: str, direction: str) -> str:
    """Return a value with its name and the way that is better: `85 qa.exact_match ↑`."""
    return f"{number(value)} {short(name)} {ARROWS[direction]}"
