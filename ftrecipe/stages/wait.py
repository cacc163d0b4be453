"""What the other machines of a run do until the first one has prepared it."""

import time

from ftrecipe.rundir import RunDir, read_json

WAIT = "wait"
LOOK = 2.0  # seconds
PATIENCE = 900.0  # seconds that a run which had already ended may take to be started again
OVER = ("failed", "interrupted")


def wait(rundir: RunDir) -> int:
    """Return 0 once every stage before training is done, 1 when the run ends before that.

    A run that had ended before this began may be about to be resumed by the first machine: only
    a status that has changed since counts as an end, or one that stays for too long.
    """
    planned = read_json(rundir.run)["stages"]
    before = planned[: planned.index("train")]
    first, began = None, time.monotonic()
    print(f"wait      for {' and '.join(before)} on the first machine", flush=True)
    while True:
        status = read_json(rundir.status) if rundir.status.is_file() else None
        first = first or status
        if status is not None and set(before) <= set(status["done"]):
            return 0
        changed = status != first or time.monotonic() - began > PATIENCE
        if status is not None and status["state"] in OVER and changed:
            where = status["stage"] or "start"
            print(f"the run {status['state']} in {where}: {status['error']}", flush=True)
            return 1
        time.sleep(LOOK)
