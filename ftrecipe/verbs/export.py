"""The verb `export`: make another artefact of an existing run."""

from ftrecipe import disk, launch
from ftrecipe.config import options
from ftrecipe.errors import ConfigError, listed
from ftrecipe.existing import EXPORTING, confirm, consents, is_prepared, open_run, recompose
from ftrecipe.gated import overrule
from ftrecipe.rundir import read_json
from ftrecipe.verbs import flags


def export(words: list[str]) -> int:
    """Export the tuned model of a run, to other targets if you like.

    python -m ftrecipe export RUN [export=merged key=value …]

    RUN is a run's folder, a name (support-bot@production), a recipe (its newest finished run) or
    how a folder in runs/ begins. The targets that are named are made; those that the run has
    besides stay as they are. Without a name, all of them are made again. What is asked for in this
    way is written also where the run's gate failed.
    """
    _, rest = flags(words)
    rundir, changes = open_run("export", rest)
    made = recompose(rundir, changes, EXPORTING)
    print("".join(f"{note}\n" for note in made.notes), end="", flush=True)
    if not made.exports:
        raise ConfigError(
            "no export is named; add export=merged, or another "
            f"(known: {listed(options('export'))})"
        )
    confirm("export", rundir, made, consents(changes)[0])
    disk.room_for(made.run, made.exports, rundir.path)
    if overrule(rundir):
        print("the gate of this run failed; exported all the same, as asked", flush=True)
    before = read_json(rundir.run)
    same = not changes and before.get("exports", list(made.run.export)) == made.exports
    # The gate asks what was prepared, which may be gone from the cache.
    first = [] if is_prepared(rundir) else ["prepare"]
    return launch.start(rundir, [*first, "export", "report"], None if same else made)
