"""Devices shared by all sweeps of a person on one machine: a device is taken by one at a time.

A slot is a file that is locked while a process has the device, so that a death frees it.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from ftrecipe.errors import ConfigError, Stopped
from ftrecipe.flock import tried

SECONDS = 0.5  # between two looks


def of_this_machine() -> Path:
    """Return the folder of this machine's slots; a Slurm job counts its devices for itself."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    job = os.environ.get("SLURM_JOB_ID", "")
    return cache / "ftrecipe" / "devices" / f"{socket.gethostname()}{job and '-' + job}"


@contextmanager
def taken(
    ids: Sequence[str], count: int, folder: Path, stopped: Callable[[], bool]
) -> Iterator[list[str]]:
    """Wait until `count` of `ids` are free and hold them; all at once, so nobody waits in a ring.

    Raises ConfigError where there are fewer, and Stopped where `stopped` says so while waiting.
    """
    if count > len(ids):
        raise ConfigError(f"this run needs {count} GPUs and there are {len(ids)} here")
    queue = folder / f"queue-{sha256(' '.join(sorted(ids)).encode()).hexdigest()[:12]}"
    with ExitStack() as mine:
        with ExitStack() as turn:  # who waits for many is not overtaken by who wants few
            while not turn.enter_context(tried(queue)):
                turn.close()
                _pause(stopped)
            while len(found := _free(ids, count, folder, mine)) < count:
                _pause(stopped)
        yield found


def _free(ids: Sequence[str], count: int, folder: Path, mine: ExitStack) -> list[str]:
    """Take `count` free slots for as long as `mine` is open, or none."""
    with ExitStack() as trying:
        found = []
        for name in ids:
            with ExitStack() as one:
                if one.enter_context(tried(folder / name)):
                    found.append(name)
                    trying.push(one.pop_all())
            if len(found) == count:
                mine.push(trying.pop_all())
                return found
        return []


def _pause(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise Stopped("stopped while waiting for a free device")
    time.sleep(SECONDS)
