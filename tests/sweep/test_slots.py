"""Devices are shared by real processes: never one by two, never a wait in a ring."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ftrecipe.errors import ConfigError, Stopped
from ftrecipe.sweep.slots import taken

HOLDER = """
import sys, time
from pathlib import Path
from ftrecipe.sweep.slots import taken
folder, count, log = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
with taken(["0", "1", "2", "3"], count, folder, lambda: False) as mine:
    with log.open("a") as file: file.write(f"{time.monotonic()} + {' '.join(mine)}\\n")
    time.sleep(float(sys.argv[4]))
    with log.open("a") as file: file.write(f"{time.monotonic()} - {' '.join(mine)}\\n")
"""


def hold(folder: Path, count: int, log: Path, seconds: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", HOLDER, folder, str(count), log, str(seconds)])


def stop() -> bool:
    return True


@pytest.mark.slow
def test_processes_never_share_a_device_and_all_get_theirs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    children = [hold(tmp_path / "slots", count, log, 0.1) for count in (2, 1, 4, 2, 1, 3)]
    assert [child.wait(timeout=60) for child in children] == [0] * 6
    events = sorted(line.split() for line in log.read_text().splitlines())
    busy: set[str] = set()
    most = 0
    for _, sign, *ids in events:
        if sign == "+":
            assert not busy & set(ids), "a device was given to two"
            busy |= set(ids)
        else:
            busy -= set(ids)
        most = max(most, len(busy))
    assert most == 4
    assert len(events) == 12


def test_a_killed_process_leaves_its_devices(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = hold(tmp_path / "slots", 4, log, 60)
    while not log.is_file():
        time.sleep(0.02)
    child.kill()
    child.wait()
    with taken(["0", "1", "2", "3"], 4, tmp_path / "slots", stop) as mine:
        assert mine == ["0", "1", "2", "3"]


def test_who_waits_can_be_stopped(tmp_path: Path) -> None:
    with (
        taken(["0"], 1, tmp_path, stop),
        pytest.raises(Stopped, match="waiting for a free device"),
        taken(["0"], 1, tmp_path, stop),
    ):
        pass


def test_more_devices_than_there_are_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match="needs 2 GPUs and there are 1"),
        taken(["0"], 2, tmp_path, stop),
    ):
        pass
