"""The verb `export`: make another artefact of an existing run."""

from ftrecipe import launch
from ftrecipe.existing import open_run, recompose
from ftrecipe.verbs import flags


def export(words: list[str]) -> int:
    """Export the tuned model of a run, to other targets if you like.

    python -m ftrecipe export RUN_DIR [export=merged key=value …]
    """
    _, rest = flags(words)
    rundir, changes = open_run("export", rest)
    made = recompose(rundir, changes)
    return launch.start(rundir, ["export", "report"], made if changes else None)
