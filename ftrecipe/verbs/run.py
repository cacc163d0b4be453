"""The verb `run`: prepare, baseline, train, evaluate, export, report."""

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.verbs import flags


def run(words: list[str]) -> int:
    """Prepare the data, measure the base, train, measure again, export, report.

    python -m ftrecipe [run] [-m] [key=value …]

    -m, --multirun: every combination of the comma-separated values (Hydra multirun).
    """
    given, rest = flags(words, "-m", "--multirun")
    if given:
        from ftrecipe.sweep import sweep

        return sweep(rest)
    made = plan.make(compose(rest))
    return launch.start(launch.create(made), made.stages)
