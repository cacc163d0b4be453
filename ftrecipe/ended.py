"""Says how the processes of a run ended, in status.json and to the person, where they could not."""

import signal
import sys
from contextlib import suppress

from ftrecipe.assemble import Phase
from ftrecipe.errors import Stopped
from ftrecipe.gated import FAILED
from ftrecipe.ranks import Ranks
from ftrecipe.rundir import RunDir, now, read_json, write_json
from ftrecipe.state import PLANNED, Part, going_on, known_status, later_name, part_of, with_part


def conclude(rundir: RunDir, before: Part, stages: list[str], code: int, asked: bool) -> int:
    """Leave a status that is true once the last process has ended; return the exit code.

    Args:
        before: the status before these `stages`: one that is still as it was, nobody wrote.
        code: that of the last process, 128 + signal for one that was killed.
        asked: whether it was asked to stop, and may have been before it could listen.
    """
    status, name = known_status(rundir), later_name(before, stages)
    part = part_of(status, name)
    running = part["state"] == "running"
    if code == 0:
        if running:
            planned = read_json(rundir.run)["stages"] if name is None else stages
            left = [stage for stage in planned if stage not in part["done"]]
            _write(rundir, name, part, "interrupted", f"{' and '.join(left)} left to do")
        return 0
    if not running and (part != part_of(before, name) or code == FAILED):
        return code
    if not running:
        fresh = dict(PLANNED) if name else part  # what was done earlier ended in another way
        part = fresh | {"stage": stages[0], "started": fresh["started"] or now()}
    if asked:
        _tell(rundir, name, part, "interrupted", "stopped")
        return Stopped.exit_code
    if code > 128:
        usual = " (lack of memory is the usual reason)" if code - 128 == signal.SIGKILL else ""
        why = f"its process was killed by signal {code - 128}{usual}"
        _tell(rundir, name, part, "interrupted", why)
    else:
        why = f"its process ended with code {code}, and did not say why"
        if _write(rundir, name, part, "failed", why):
            _say(rundir, name, part, "failed", why)
        # else the process could not write it either, and has told that the disk is full
    return code


def conclude_ranks(rundir: RunDir, ranks: Ranks, phase: Phase, asked: bool) -> int:
    """Put the reason of several processes into status.json and show it; return the exit code.

    Ranks that were `asked` to stop before they could listen have not failed.
    """
    status = known_status(rundir)
    first = ranks.first_failure()
    if asked and (first is None or first[0] in ranks.gone):
        first = None
        status |= {"state": "interrupted", "error": status["error"] or "stopped"}
    if first is None and status["state"] == "interrupted":
        _tell(rundir, None, status | {"stage": phase.stages[0]}, "interrupted", status["error"])
        return Stopped.exit_code
    why = "its processes could not be started" if first is None else f"rank {first[0]}: {first[1]}"
    log = rundir.log if first is None or first[0] == 0 else rundir.rank_log(first[0])
    _tell(rundir, None, status | {"stage": phase.stages[0]}, "failed", why, details=str(log))
    return 1


def _tell(
    rundir: RunDir, name: str | None, part: Part, state: str, why: str, details: str | None = None
) -> None:
    _write(rundir, name, part, state, why)
    _say(rundir, name, part, state, why, details)


def _say(
    rundir: RunDir, name: str | None, part: Part, state: str, why: str, details: str | None = None
) -> None:
    print(f"{state} in {part['stage'] or 'start'}: {why}", file=sys.stderr)
    if state == "failed":
        print(f"details   {details or rundir.log}", file=sys.stderr)
    for line in going_on(rundir, name):
        print(line, file=sys.stderr)


def _write(rundir: RunDir, name: str | None, part: Part, state: str, why: str) -> bool:
    """Write the status; return False where a full disk does not take it."""
    over = part | {"state": state, "error": why, "ended": now()}
    with suppress(OSError):  # whoever looks next finds what is true
        write_json(rundir.status, with_part(known_status(rundir), name, over))
        return True
    return False
