"""The verb `resume`: go on with a run that was stopped."""

from ftrecipe import gated, launch
from ftrecipe.config import from_plain
from ftrecipe.existing import (
    GOING_ON,
    check_checkpoint,
    confirm,
    consents,
    is_prepared,
    open_run,
    recompose,
)
from ftrecipe.manifest import all_in
from ftrecipe.rundir import read_json
from ftrecipe.state import troubles
from ftrecipe.verbs import flags


def asks_for_more(changes: list[str]) -> bool:
    """Tell whether there is more to do in a finished run: other devices alone do not."""
    return any(not word.lstrip("+").startswith(("hardware", "strategy")) for word in changes)


def resume(words: list[str]) -> int:
    """Go on with an interrupted or failed run, from its last good checkpoint.

    python -m ftrecipe resume RUN [key=value …]

    A damaged checkpoint is passed over, and the one before it taken. What the training rests on
    must be as it was: the method, the batch, the seed, the data, the base. Epochs, evaluation,
    tracking and hardware may change.
    """
    _, rest = flags(words)
    rundir, said = open_run("resume", rest)
    given, changes = consents(said)
    status = launch.read_status(rundir)
    if status["state"] == "finished" and not asks_for_more(changes):
        print(f"{rundir.path} is finished; nothing to resume (report: {rundir.report_html})")
        for trouble in troubles(rundir, status):
            print(f"note: {trouble}")
        return gated.FAILED if gated.fails(rundir) else 0
    made = recompose(rundir, said, GOING_ON)
    print("".join(f"{note}\n" for note in made.notes), end="", flush=True)
    done = [] if changes else status["done"]
    again = changes or not read_json(rundir.run)["settled"]
    boundary = read_json(rundir.run)
    run = made.run if again else from_plain(boundary["config"])
    made.exports = made.exports if again else boundary.get("exports", made.exports)
    stages = [stage for stage in made.stages if stage not in done]
    if status["state"] != "planned":
        starts = "train" in stages and check_checkpoint(rundir, run) is None
        if starts and not all_in(rundir.checkpoints):
            print("no checkpoint yet: training starts from the beginning", flush=True)
        # Without a checkpoint all of it may have changed; what has not is known in a moment.
        stages = made.stages if starts or not is_prepared(rundir) else stages
    if "export" in stages:
        confirm("resume", rundir, made, given)
    return launch.start(rundir, stages, made if again else None)
