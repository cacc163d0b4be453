"""What status.json says of a run, and what is true: a run that nobody holds is not running."""

from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.flock import take
from ftrecipe.rundir import RunDir, hold, read_json, write_json

PLANNED = {
    "stage": None, "state": "planned", "started": None, "ended": None, "error": None, "done": [],
}  # fmt: skip
SILENT = "its process ended without a word: it was killed, or the machine stopped"
UNREADABLE = "its status.json could not be read, and was written anew: all stages are gone through"


def known_status(rundir: RunDir) -> dict[str, Any]:
    """Return status.json as it is; of a run that has none, or a broken one, what follows from that.

    Every stage finds out by itself whether its work was done before.
    """
    if not rundir.status.is_file():
        return dict(PLANNED)
    try:
        status = read_json(rundir.status)
    except ConfigError:
        status = None
    known = status if isinstance(status, dict) else {}
    if known.keys() >= PLANNED.keys() and isinstance(known["done"], list):
        return {key: value for key, value in known.items() if key != "schema_version"}
    return PLANNED | {"state": "interrupted", "error": UNREADABLE}


def read_status(rundir: RunDir) -> dict[str, Any]:
    """Return the status, true also after a kill or a power cut, and leave it so on disk.

    Where it cannot be written, for instance in another's folder, it is returned all the same.
    """
    status = known_status(rundir)
    if status["state"] != "running":
        return status
    try:
        with hold(rundir):
            status = known_status(rundir)  # its holder may have ended it just before letting go
            if status["state"] == "running":
                status |= {"state": "interrupted", "error": SILENT}
                write_json(rundir.status, status)
    except ConfigError:
        return status
    except OSError:
        return status if _is_held(rundir) else status | {"state": "interrupted", "error": SILENT}
    return status


def _is_held(rundir: RunDir) -> bool:
    """Tell whether a living process holds a run in a folder that only can be read."""
    if not rundir.lock.is_file():
        return False
    with rundir.lock.open(encoding="utf-8") as file:
        return not take(file, wait=False)
