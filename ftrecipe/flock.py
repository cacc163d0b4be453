"""Locks between processes: a file that is held (flock) until its holder lets go, or dies."""

import errno
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def take(file: IO[str], wait: bool) -> bool:
    """Lock an open file; return False where another holds it and `wait` is not asked for."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True


@contextmanager
def held(path: Path, waiting: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold the lock on `path`; where another has it, call `waiting` and wait."""
    with tried(path) as free:
        if not free:
            if waiting is not None:
                waiting()
            with path.open("a") as file:
                take(file, wait=True)
                yield
            return
        yield


@contextmanager
def tried(path: Path) -> Iterator[bool]:
    """Hold the lock on `path` if nobody else does; tells whether it is held."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        yield take(file, wait=False)


def is_held(path: Path) -> bool:
    """Tell whether a living process holds the lock on `path`."""
    if not path.is_file():
        return False
    with path.open("a") as file:
        return not take(file, wait=False)
