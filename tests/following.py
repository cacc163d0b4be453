"""Follows runs that tests start, stop and go on with."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from ftrecipe.rundir import RunDir

COMMAND = [sys.executable, "-m", "ftrecipe"]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def losses(rundir: RunDir) -> list[tuple[int, float]]:
    """Return step and loss of every logged step."""
    lines = [json.loads(line) for line in rundir.history.read_text().splitlines()]
    return [(line["step"], line["loss"]) for line in lines]


def begin(folder: Path, *words: str) -> "subprocess.Popen[str]":
    """Start a run below `folder`."""
    return subprocess.Popen(
        [*COMMAND, *words, f"runs_dir={folder}"],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def whole(folder: Path, *words: str) -> RunDir:
    """Run to the end below `folder`."""
    child = begin(folder, *words)
    printed, _ = child.communicate(timeout=300)
    assert child.returncode == 0, printed
    return RunDir(next(folder.glob("quickstart/2*")))


def wait_for_step(folder: Path, step: int) -> RunDir:
    """Wait until the one run in `folder` has logged `step`."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        for history in folder.glob("quickstart/*/history.jsonl"):
            if len(history.read_text().splitlines()) >= step:
                return RunDir(history.parent)
        time.sleep(0.02)
    raise AssertionError(f"no run in {folder} came to step {step}")


def resume(rundir: RunDir, *words: str) -> "subprocess.CompletedProcess[str]":
    """Go on with a run until it ends."""
    return subprocess.run(
        [*COMMAND, "resume", str(rundir.path), *words],
        env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def begin_again(rundir: RunDir, *words: str) -> "subprocess.Popen[str]":
    """Go on with a run, and leave it to the test how that ends."""
    return subprocess.Popen(
        [*COMMAND, "resume", str(rundir.path), *words],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def wait_for_stage(folder: Path, stage: str, child: "subprocess.Popen[str]") -> RunDir:
    """Wait until the one run in `folder`, which `child` runs, is at `stage`; looks very often."""
    found: RunDir | None = None
    while child.poll() is None:
        found = found or next((RunDir(one) for one in folder.glob("quickstart/2*")), None)
        try:
            status = json.loads(found.status.read_bytes()) if found else {}
        except FileNotFoundError:
            continue
        if (status.get("stage"), status.get("state")) == (stage, "running") and found:
            return found
        time.sleep(0.0005)
    raise AssertionError(f"the run ended before it was seen at {stage}: {child.communicate()[0]}")


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that live."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in listed.split()]
