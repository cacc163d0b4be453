"""What the processes of a distributed stage left word of, and which of them failed first."""

import os
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from ftrecipe.rundir import RunDir, read_json

HOST = socket.gethostname()
TOGETHER = 5.0  # seconds within which others notice that one of them is gone


@dataclass
class Ranks:
    """Follows the ranks of one start of a stage; records of an earlier one are passed over."""

    rundir: RunDir
    since: float = field(default_factory=time.time)
    gone: dict[int, float] = field(default_factory=dict)  # rank → when it was first missed

    def records(self) -> list[dict[str, Any]]:
        """Return what each rank last said of itself."""
        found = [read_json(file) for file in sorted(self.rundir.logs.glob("rank_*.json"))]
        return [record for record in found if record["at"] >= self.since]

    def running(self) -> list[int]:
        """Return the process ids of the ranks on this machine that have not ended."""
        return [record["pid"] for record in self._here() if is_alive(record["pid"])]

    def says_running(self, rank: int) -> bool:
        """Tell whether a rank has not yet said how it ended."""
        return any(r["rank"] == rank and r["state"] == "running" for r in self.records())

    def _here(self) -> list[dict[str, Any]]:
        """Return the records of this machine; elsewhere, the number of a process says nothing."""
        return [r for r in self.records() if r["state"] == "running" and r["host"] == HOST]

    def look(self) -> bool:
        """Note which ranks have gone without a word; tell whether any rank is lost or failed."""
        for record in self._here():
            if not is_alive(record["pid"]):
                self.gone.setdefault(record["rank"], time.time())
        records = self.records()
        return bool(self.gone) or any(record["state"] == "failed" for record in records)

    def first_failure(self) -> tuple[int, str] | None:
        """Return the rank that failed first, and why; None where none has.

        A rank that is gone without a word is the reason for what the others say soon after.
        """
        records = {record["rank"]: record for record in self.records()}
        failed = [r for r in records.values() if r["state"] == "failed"]
        first = min(failed, key=lambda record: record["at"], default=None)
        if self.gone:
            rank = min(self.gone, key=lambda rank: self.gone[rank])
            if first is None or self.gone[rank] <= first["at"] + TOGETHER:
                return rank, (
                    f"its process {records[rank]['pid']} was killed, or crashed in native code "
                    "(lack of memory is the usual reason)"
                )
        return None if first is None else (first["rank"], first["error"])


def is_alive(pid: int) -> bool:
    """Tell whether a process of this machine runs; one that waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        if sys.platform != "linux":
            return True
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:
        return True
