"""The verb `evaluate`: measure an existing run again, or the base before there is one."""

from pathlib import Path

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.existing import MEASURING, open_run, recompose
from ftrecipe.verbs import flags

BEFORE = ("prepare", "baseline", "report")


def evaluate(words: list[str]) -> int:
    """Measure a run again, with more suites if you like, or a base before any training.

    python -m ftrecipe evaluate RUN [eval=[qa,perplexity] key=value …]
    python -m ftrecipe evaluate +recipe=NAME [key=value …]

    RUN is a run's folder, a name (support-bot@production), a recipe (its newest finished run) or
    how a folder in runs/ begins. Suites of eval are added to those that it has. What may change:
    eval, compare (against, few_shot), gate, objective and hardware.

    With a recipe, or a dataset and a model, instead of a run the baselines alone are measured; the
    run that follows with the same model, data and suites takes them from there.
    """
    _, rest = flags(words)
    if rest and "=" in rest[0] and not Path(rest[0]).is_dir():
        return _before(rest)
    rundir, changes = open_run("evaluate", rest)
    made = recompose(rundir, changes, MEASURING)
    print("".join(f"{note}\n" for note in made.notes), end="", flush=True)
    stages = ["prepare", "baseline", "evaluate", "report"]
    return launch.start(rundir, stages, made if changes else None)


def _before(words: list[str]) -> int:
    """Measure what a run would be held against, and stop there."""
    made = plan.make(compose(words))
    if not made.run.eval:
        raise ConfigError("there is nothing to measure; choose suites: eval=[qa,perplexity]")
    made.stages = list(BEFORE)
    print("".join(f"{note}\n" for note in made.notes), end="", flush=True)
    return launch.begin(made)
