"""The verb `resume`: go on with a run that was stopped."""

from ftrecipe import launch
from ftrecipe.existing import GOING_ON, open_run, recompose
from ftrecipe.rundir import read_json
from ftrecipe.verbs import flags


def asks_for_more(changes: list[str]) -> bool:
    """Tell whether there is more to do in a finished run: other devices alone do not."""
    return any(not word.lstrip("+").startswith(("hardware", "strategy")) for word in changes)


def resume(words: list[str]) -> int:
    """Go on with an interrupted or failed run, from its last good checkpoint.

    python -m ftrecipe resume RUN_DIR [key=value …]
    """
    _, rest = flags(words)
    rundir, changes = open_run("resume", rest)
    status = launch.read_status(rundir)
    if status["state"] == "finished" and not asks_for_more(changes):
        print(f"{rundir.path} is finished; nothing to resume (report: {rundir.report_html})")
        return 0
    made = recompose(rundir, changes, GOING_ON)
    done = [] if changes else status["done"]
    stages = [stage for stage in made.stages if stage not in done]
    again = changes or not read_json(rundir.run)["settled"]
    return launch.start(rundir, stages, made if again else None)
