"""What status.json says of a run, and what is true: what nobody holds is not running.

A run that has finished stays finished. What `evaluate` or `export` do with it later is kept beside,
under `later`, by the stage that it is about: it says how that went, and nothing of the run.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.flock import take
from ftrecipe.rundir import RunDir, hold, read_json, write_json

Part = dict[str, Any]  # of the run itself, or of what was done with it later
PLANNED: Part = {
    "stage": None, "state": "planned", "started": None, "ended": None, "error": None, "done": [],
}  # fmt: skip
RUNNING, FINISHED, INTERRUPTED = "running", "finished", "interrupted"
STATES = ("planned", RUNNING, FINISHED, "failed", INTERRUPTED)
LATER, SECONDS = "later", "seconds"
TRAINS = "train"  # the stage that makes a run another one
WORK = ("export", "evaluate")  # the stages that others only prepare, or tell of
SILENT = "its process ended without a word: it was killed, or the machine stopped"
UNREADABLE = "its status.json could not be read, and was written anew: all stages are gone through"
MORE = "more was asked of it than it had done"
KINDS: dict[str, tuple[type, ...]] = {
    "stage": (str, type(None)), "state": (str,), "started": (str, type(None)),
    "ended": (str, type(None)), "error": (str, type(None)), "done": (list,),
}  # fmt: skip


def later_name(status: Part, stages: Sequence[str]) -> str | None:
    """Return what `stages` do with a run that has finished; None where they are the run's own."""
    if status["state"] != FINISHED or TRAINS in stages or not stages:
        return None
    return next((stage for stage in WORK if stage in stages), stages[-1])


def part_of(status: Part, name: str | None) -> Part:
    """Return what is said of one piece of later work, or of the run itself for None."""
    return status if name is None else status.get(LATER, {}).get(name, dict(PLANNED))


def with_part(status: Part, name: str | None, part: Part) -> Part:
    """Return a status in which that is what is said of it."""
    if name is None:
        return part
    return status | {LATER: status.get(LATER, {}) | {name: part}}


def command(rundir: RunDir, name: str | None) -> list[str]:
    """Return the command that goes on with a run, or does the later work again."""
    here = str(rundir.path)
    if name is None:
        return ["python", "-m", "ftrecipe", "resume", here]
    if name not in WORK:
        return ["python", "-m", "ftrecipe.stages", here, name]
    words = ["python", "-m", "ftrecipe", name, here]
    if name == "export" and (named := read_json(rundir.run).get("exports", [])):
        words.append(f"export={named[0]}" if len(named) == 1 else f"export=[{','.join(named)}]")
    return words


def going_on(rundir: RunDir, name: str | None) -> list[str]:
    """Return how a person goes on; where it was later work, that the run is what it was."""
    again = f"go on     {shlex.join(command(rundir, name))}"
    return [again] if name is None else [again, "          (the run itself is finished, as before)"]


def troubles(rundir: RunDir, status: Part) -> list[str]:
    """Return a sentence for each later work that did not come to its end, and how it is redone."""
    words = {"failed": "failed", INTERRUPTED: "was interrupted"}
    return [
        f"{name} on {when(part)} {words[part['state']]} in {part['stage'] or 'start'}: "
        f"{part['error']}; once more: {shlex.join(command(rundir, name))}"
        for name, part in status.get(LATER, {}).items()
        if part["state"] in words
    ]


def when(part: Part) -> str:
    """Return when it began, to the minute."""
    return (part["started"] or "an unknown day").replace("T", " ")[:16]


def reopen(rundir: RunDir, stages: Sequence[str]) -> Part:
    """Return the status before `stages`; of a finished run that is to train on, it ends being so.

    That is written before the first of several processes begins.
    """
    status = known_status(rundir)
    if status["state"] == FINISHED and TRAINS in stages:
        status |= {"state": INTERRUPTED, "error": MORE}
        write_json(rundir.status, status)
    return status


def known_status(rundir: RunDir) -> Part:
    """Return status.json as it is; of a run that has none, or a broken one, what follows from that.

    Every stage finds out by itself whether its work was done before.
    """
    if not rundir.status.is_file():
        return dict(PLANNED)
    try:
        status = read_json(rundir.status)
    except ConfigError:
        status = None
    if not isinstance(status, dict) or not is_part(status):
        return PLANNED | {"state": INTERRUPTED, "error": UNREADABLE}
    known = {key: value for key, value in status.items() if key != "schema_version"}
    if LATER in known:
        later = known.pop(LATER)
        there = later.items() if isinstance(later, dict) else ()
        if kept := {name: part for name, part in there if is_part(part)}:
            known[LATER] = kept
    return known


def is_part(value: Any) -> bool:
    """Tell whether it is what a status says: every key, and each of its kind."""
    return (
        isinstance(value, Mapping)
        and all(key in value and isinstance(value[key], kinds) for key, kinds in KINDS.items())
        and all(isinstance(stage, str) for stage in value["done"])
        and value["state"] in STATES
        and _are_seconds(value.get(SECONDS, {}))
    )


def _are_seconds(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in value.values()
    )


def read_status(rundir: RunDir) -> Part:
    """Return the status, true also after a kill or a power cut, and leave it so on disk.

    Where it cannot be written, for instance in another's folder, it is returned all the same.
    """
    status = known_status(rundir)
    if not _says_running(status):
        return status
    try:
        with hold(rundir):
            status = known_status(rundir)  # its holder may have ended it just before letting go
            if _says_running(status):
                status = _cut_off(status)
                write_json(rundir.status, status)
    except ConfigError:
        return status
    except OSError:
        return status if _is_held(rundir) else _cut_off(status)
    return status


def _says_running(status: Part) -> bool:
    parts = [status, *status.get(LATER, {}).values()]
    return any(part["state"] == RUNNING for part in parts)


def _cut_off(status: Part) -> Part:
    """Return a status in which all that was said to run was interrupted."""
    over = {"state": INTERRUPTED, "error": SILENT}
    if status["state"] == RUNNING:
        status = status | over
    for name, part in status.get(LATER, {}).items():
        if part["state"] == RUNNING:
            status = with_part(status, name, part | over)
    return status


def _is_held(rundir: RunDir) -> bool:
    """Tell whether a living process holds a run in a folder that only can be read."""
    if not rundir.lock.is_file():
        return False
    with rundir.lock.open(encoding="utf-8") as file:
        return not take(file, wait=False)
