"""The verb `evaluate`: measure an existing run again."""

from ftrecipe import launch
from ftrecipe.existing import MEASURING, open_run, recompose
from ftrecipe.verbs import flags


def evaluate(words: list[str]) -> int:
    """Measure base and tuned model of a run again, with more suites if you like.

    python -m ftrecipe evaluate RUN_DIR [eval=[qa,perplexity] key=value …]
    """
    _, rest = flags(words)
    rundir, changes = open_run("evaluate", rest)
    made = recompose(rundir, changes, MEASURING)
    stages = ["prepare", "baseline", "evaluate", "report"]
    return launch.start(rundir, stages, made if changes else None)
