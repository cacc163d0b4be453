"""Starts and watches the process that tells a tracker of a run; waits for it only so long."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

SIGN = "@tracker "
ALIVE, BUSY, READY, FAILED = "alive", "busy", "ready", "failed"  # what it says
GO, END, FINAL = "go", "end", "final"  # what it is told
POLL = 0.5  # seconds between two looks at the history
IMPORTING = 120.0  # seconds that a library may take to be imported, which no server can hold up
BYTES_A_SECOND = 1 << 20  # at which a model is sent at the least
OF_RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR",
            "MASTER_PORT")  # fmt: skip


class Sender:
    """A tracker's process: `why` says what went wrong with it, None as long as nothing did."""

    def __init__(self, folder: Path, timeout: float) -> None:
        self.timeout = timeout
        self.why: str | None = None
        self.ready = threading.Event()
        self.began = self.heard = time.monotonic()
        self.busy = False  # whether it waits for the tracker to take something
        environment = {key: value for key, value in os.environ.items() if key not in OF_RANKS}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "ftrecipe.stages.tracking", str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=environment, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_ready(self) -> str | None:
        """Wait until the tracker has begun; return why it has not."""
        while not self.ready.wait(0.05) and self.child.poll() is None and self.why is None:
            up = self.heard > self.began
            silent = time.monotonic() - (self.heard if up else self.began)
            if silent > (self.timeout if up else IMPORTING):
                self._give_up(f"no answer within {self.timeout:g} s")
        self._ended()
        return self.why

    def finish(self, word: str, size: int = 0) -> str | None:
        """Have it send the rest, of which `size` bytes are a model; return why it did not.

        A tracker that has been silent for as long as it may is not waited for again.
        """
        self.tell(word)
        most = self.timeout + size / BYTES_A_SECOND
        deadline = (self.heard if self.busy else time.monotonic()) + most
        while self.child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        if self.child.poll() is None:
            self._give_up(f"no answer within {most:g} s")
        self._ended()
        return self.why

    def tell(self, word: str) -> None:
        """Say a word to it; one that has ended hears nothing."""
        with suppress(OSError):
            stdin = cast(IO[str], self.child.stdin)
            stdin.write(f"{word}\n")
            stdin.flush()

    def stop(self) -> None:
        """End it, whatever it is at."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def _give_up(self, why: str) -> None:
        self.why = self.why or why
        self.stop()

    def _ended(self) -> None:
        """Take in what it said at its end, if it has ended."""
        if self.child.poll() is None:
            return
        self._reader.join(1)
        if self.child.returncode and self.why is None:
            self.why = f"its process ended with {self.child.returncode}; log.txt has more"

    def _read(self) -> None:
        """Take in what it says, and leave the rest in the log."""
        for line in cast(IO[str], self.child.stdout):
            if not line.startswith(SIGN):
                print(line, end="", flush=True)
                continue
            word, _, more = line.removeprefix(SIGN).strip().partition(" ")
            self.heard, self.busy = time.monotonic(), word == BUSY
            if word == READY:
                self.ready.set()
            elif word == FAILED:
                self.why = more
