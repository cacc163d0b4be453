"""Which rank failed first: what ranks said of themselves, and who went without a word."""

import os
import subprocess
import sys
import time
from pathlib import Path

from ftrecipe.ranks import HOST, Ranks, is_alive
from ftrecipe.rundir import RunDir, write_json


def said(folder: Path, rank: int, state: str, at: float, error: str = "", pid: int = 0) -> None:
    record = {"rank": rank, "pid": pid or os.getpid(), "state": state, "error": error, "at": at,
              "host": HOST}  # fmt: skip
    write_json(RunDir(folder).rank_record(rank), record)


def ended() -> int:
    """Return the number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_the_earliest_error_is_the_reason(tmp_path: Path) -> None:
    ranks = Ranks(RunDir(tmp_path))
    now = time.time()
    said(tmp_path, 0, "failed", now + 2, "connection closed by peer")
    said(tmp_path, 1, "failed", now + 1, "ValueError: bad row")
    assert ranks.look()
    assert ranks.first_failure() == (1, "ValueError: bad row")


def test_a_rank_that_is_gone_without_a_word_is_the_reason_for_the_others(tmp_path: Path) -> None:
    ranks = Ranks(RunDir(tmp_path))
    now = time.time()
    said(tmp_path, 1, "running", now, pid=ended())
    said(tmp_path, 0, "failed", now, "connection closed by peer")
    assert ranks.look()
    first = ranks.first_failure()
    assert first is not None
    assert first[0] == 1
    assert "was killed" in first[1]


def test_a_rank_that_is_killed_long_after_an_error_is_not_the_reason(tmp_path: Path) -> None:
    ranks = Ranks(RunDir(tmp_path), since=0)
    now = time.time()
    said(tmp_path, 0, "failed", now - 15, "NaN")
    said(tmp_path, 1, "running", now - 20, pid=ended())
    ranks.look()
    assert ranks.first_failure() == (0, "NaN")


def test_records_of_an_earlier_start_are_passed_over(tmp_path: Path) -> None:
    said(tmp_path, 0, "failed", time.time() - 60, "old")
    ranks = Ranks(RunDir(tmp_path))
    assert not ranks.look()
    assert ranks.first_failure() is None


def test_ranks_that_run_or_have_ended_well_are_no_failure(tmp_path: Path) -> None:
    ranks = Ranks(RunDir(tmp_path))
    said(tmp_path, 0, "running", time.time() + 1)
    said(tmp_path, 1, "finished", time.time() + 1, pid=ended())
    assert not ranks.look()


def test_a_process_that_nobody_has_reaped_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 10
    while is_alive(child.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(child.pid)
    child.wait()
    assert is_alive(os.getpid())
