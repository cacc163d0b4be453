"""What a worker does when it is asked to stop, or when those around it are gone."""

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable

from ftrecipe.errors import StageError
from ftrecipe.ranks import Ranks
from ftrecipe.stages.ranks import Rank
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Stop

PR_SET_PDEATHSIG = 1
ECHO = 1.0  # seconds within which a second Ctrl-C at a rank is the same one, forwarded
GRACE = 10.0  # seconds that a rank has to end by itself once another is gone
LOOK = 1.0
SELDOM = 5.0  # seconds between two looks when no signal came


def listen(stop: Stop, screen: Screen, rank: Rank, ranks: Ranks) -> None:
    """Stop at the next step while training, at once elsewhere; at a second Ctrl-C at once too.

    A second SIGTERM says nothing new: schedulers send it to every process, and agents forward it.
    """
    began = 0.0

    def on_signal(number: int, frame: object) -> None:
        nonlocal began
        if rank.world > 1 and (lost := lost_rank(ranks, rank)) is not None:
            raise StageError(lost)  # the agent ends those who are left: nothing to save together
        if not stop.patient:
            raise KeyboardInterrupt
        now = time.monotonic()
        if not stop.requested:
            stop.requested, began = True, now
            screen.say("stopping  after this step, with a checkpoint; Ctrl-C stops at once")
        elif number == signal.SIGINT and (rank.world == 1 or now - began > ECHO):
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)


def lost_rank(ranks: Ranks, rank: Rank) -> str | None:
    """Say which other rank failed first, and why; None while all are well."""
    ranks.look()
    first = ranks.first_failure()
    return None if first is None or first[0] == rank.number else f"rank {first[0]}: {first[1]}"


def stopped_rank(ranks: Ranks, rank: Rank) -> str | None:
    """Say which other rank has stopped as it was asked to: they leave within moments, or not
    together, and then those who stay wait for nothing."""
    others = [record for record in ranks.records() if record["rank"] != rank.number]
    stopped = [record["rank"] for record in others if record["state"] == "stopped"]
    return f"rank {stopped[0]} stopped by itself" if stopped else None


def leave_when_lost(ranks: Ranks, rank: Rank, give_up: Callable[[str], None]) -> None:
    """End this process once another rank is lost, on this machine or another.

    The main thread may wait for that rank inside a library, where it sees no signal, for as long
    as the library lets it; this thread looks at once when a signal comes, and now and then.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def watch() -> None:
        select.select([reading], [], [], SELDOM)
        while (lost := lost_rank(ranks, rank) or stopped_rank(ranks, rank)) is None:
            came = select.select([reading], [], [], SELDOM)[0]
            if came:  # whoever fell may take a moment to be missed
                time.sleep(LOOK)
        time.sleep(GRACE)
        if not ranks.says_running(rank.number):
            return  # it has said how it ended, and is only slow to leave
        give_up(lost)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def die_with_parent() -> None:
    """Ask Linux to end this worker when its launcher is killed; elsewhere it runs on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
