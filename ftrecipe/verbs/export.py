"""The verb `export`: make another artefact of an existing run."""

from ftrecipe import launch
from ftrecipe.errors import ConfigError
from ftrecipe.existing import EXPORTING, open_run, recompose
from ftrecipe.gated import overrule
from ftrecipe.verbs import flags


def export(words: list[str]) -> int:
    """Export the tuned model of a run, to other targets if you like.

    python -m ftrecipe export RUN [export=merged key=value …]

    RUN is a run's folder, a name (support-bot@production), a recipe (its newest finished run) or
    how a folder in runs/ begins. What is asked for in this way is written also where the run's gate
    failed.
    """
    _, rest = flags(words)
    rundir, changes = open_run("export", rest)
    made = recompose(rundir, changes, EXPORTING)
    if not made.config["export"]:
        raise ConfigError("this run names no export; add export=merged or export=adapter")
    if overrule(rundir):
        print("the gate of this run failed; exported all the same, as asked", flush=True)
    return launch.start(rundir, ["export", "report"], made if changes else None)
