"""The verb `check`: only the data."""

import tempfile
from pathlib import Path

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.rundir import RunDir
from ftrecipe.verbs import flags


def check(words: list[str]) -> int:
    """Read, audit and tokenise the data and print what was found; no weights are loaded.

    python -m ftrecipe check [key=value …]
    """
    _, rest = flags(words)
    made = plan.make(compose(rest))
    made.stages = ["prepare"]
    with tempfile.TemporaryDirectory(prefix="ftrecipe-check-") as folder:
        rundir = RunDir(Path(folder))
        launch.write(made, rundir)
        launch.write_first_status(rundir)
        return launch.start(rundir, made.stages)
