"""The verb `export`: make another artefact of an existing run."""

from ftrecipe import launch
from ftrecipe.errors import ConfigError
from ftrecipe.existing import EXPORTING, open_run, recompose
from ftrecipe.verbs import flags


def export(words: list[str]) -> int:
    """Export the tuned model of a run, to other targets if you like.

    python -m ftrecipe export RUN_DIR [export=merged key=value …]
    """
    _, rest = flags(words)
    rundir, changes = open_run("export", rest)
    made = recompose(rundir, changes, EXPORTING)
    if not made.config["export"]:
        raise ConfigError("this run names no export; add export=merged or export=adapter")
    return launch.start(rundir, ["export", "report"], made if changes else None)
