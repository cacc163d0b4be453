"""Runs one command of a plan to its end: signals are forwarded, a rank that dies ends the rest."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from ftrecipe.ranks import Ranks
from ftrecipe.rundir import LOCK_FD

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 12.0  # seconds that the other ranks have to say what they saw, once one is lost
LOOK = 0.3  # seconds between two looks at the ranks
WATCH = 1.0  # seconds between two calls of a watcher
PR_SET_PDEATHSIG = 1

Watch = Callable[[], bool]


@dataclass
class Supervisor:
    """Holds the run's lock for its children.

    `stopped` tells that a signal came between two of them, `asked` that one was asked to stop.
    """

    lock: int
    environment: Mapping[str, str] = field(default_factory=dict)
    watch: Watch | None = None
    stopped: bool = False
    asked: bool = False
    child: "subprocess.Popen[bytes] | None" = None
    ranks: Ranks | None = None

    def run(
        self,
        words: list[str],
        defaults: Mapping[str, str] | None = None,
        ranks: Ranks | None = None,
        log: IO[bytes] | None = None,
    ) -> int:
        """Run one command and return its code as a shell gives it: 128 + signal.

        `defaults` are variables that the environment may set otherwise.

        The child shares the lock and the terminal, and is a session of its own, so that Ctrl-C
        reaches it once, from here. With `ranks`, what the agent says goes to `log`.
        """
        real = _is_real(sys.stdout)
        held = {LOCK_FD: str(self.lock)}
        self.ranks = ranks
        os.set_inheritable(self.lock, True)
        self.child = subprocess.Popen(
            words,
            env={**(defaults or {}), **os.environ, **held, **self.environment},
            pass_fds=[self.lock],
            start_new_session=True,
            preexec_fn=_die_with_parent,
            stdout=None if real else subprocess.PIPE,
            stderr=log or (None if real else subprocess.STDOUT),
        )
        if self.stopped:
            self.send(signal.SIGTERM)
        pump = threading.Thread(target=_pump, args=[self.child], daemon=True)
        pump.start()
        self._wait(self.child)
        pump.join()
        code = self.child.returncode
        return 128 - code if code < 0 else code

    def send(self, number: int) -> None:
        """Pass a signal on to the child, or to its ranks: an agent that has it twice kills them."""
        assert self.child is not None
        for pid in (self.ranks.running() if self.ranks else []) or [self.child.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait(self, child: "subprocess.Popen[bytes]") -> None:
        """Wait for `child`, looking after its ranks and calling the watcher meanwhile."""
        ranks = self.ranks
        lost_at: float | None = None
        watched = time.monotonic()
        asked = False
        while True:
            try:
                child.wait(LOOK if ranks or self.watch else None)
                break
            except subprocess.TimeoutExpired:
                now = time.monotonic()
            if ranks is not None and ranks.look():
                lost_at = lost_at or now
                if now - lost_at > GRACE:
                    child.kill()  # the ranks go with it
            if self.watch is not None and now - watched >= WATCH and not asked:
                watched = now
                if asked := self.watch():
                    self.asked = True
                    self.send(signal.SIGTERM)
        if ranks is not None:
            ranks.look()

    @contextmanager
    def forwarding(self) -> Iterator[None]:
        """Pass SIGINT and SIGTERM on to the child that runs; each once, as it comes."""

        def forward(number: int, frame: Any) -> None:
            self.asked = True
            if self.child is not None and self.child.returncode is None:
                self.send(number)
            else:
                self.stopped = True

        with handling(forward):
            yield


@contextmanager
def handling(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Give SIGINT and SIGTERM to `handler`; a thread beside the main one hears no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)


def _is_real(stream: Any) -> bool:
    """Tell a file that a child can inherit from a notebook's stream."""
    try:
        return stream.fileno() == 1
    except (OSError, AttributeError):
        return False


def _pump(child: "subprocess.Popen[bytes]") -> None:
    """Show what the child says where its output could not be inherited."""
    for line in child.stdout or ():
        print(line.decode(errors="replace"), end="")


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Ask Linux, in the child, to end it when the launcher is killed; elsewhere it runs on."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
