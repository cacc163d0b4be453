"""A run that is stopped or killed keeps what it had, and goes on as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ftrecipe.rundir import RunDir, read_json

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "ftrecipe"]
WORDS = [
    "+recipe=quickstart", "eval=[]", "export=[]", "hardware=cpu", "model.dtype=float32",
    "trainer.max_steps=24", "trainer.save_steps=4", "trainer.logging_steps=1",
]  # fmt: skip
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def losses(rundir: RunDir) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in rundir.history.read_text().splitlines()]
    return [(line["step"], line["loss"]) for line in lines]


def begin(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *WORDS, f"runs_dir={folder}"],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def wait_for_step(folder: Path, step: int) -> RunDir:
    """Wait until the one run in `folder` has logged `step`."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        for history in folder.glob("quickstart/*/history.jsonl"):
            if len(history.read_text().splitlines()) >= step:
                return RunDir(history.parent)
        time.sleep(0.02)
    raise AssertionError(f"no run in {folder} came to step {step}")


def resume(rundir: RunDir) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, "resume", str(rundir.path)],
        env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    folder = tmp_path_factory.mktemp("whole")
    child = begin(folder)
    printed, _ = child.communicate(timeout=300)
    assert child.returncode == 0, printed
    return RunDir(next(folder.glob("quickstart/2*")))


def test_interrupt_saves_a_checkpoint_and_resume_ends_with_the_same_losses(
    uninterrupted: RunDir, tmp_path: Path
) -> None:
    child = begin(tmp_path)
    rundir = wait_for_step(tmp_path, 6)
    child.send_signal(signal.SIGINT)
    printed, _ = child.communicate(timeout=120)
    assert child.returncode == 130, printed
    assert f"python -m ftrecipe resume {rundir.path}" in printed
    status = read_json(rundir.status)
    assert (status["state"], status["stage"]) == ("interrupted", "train")
    stopped_at = losses(rundir)[-1][0]
    assert (rundir.checkpoints / f"checkpoint-{stopped_at}").is_dir()
    resumed = resume(rundir)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert losses(rundir) == losses(uninterrupted)
    again = resume(rundir)
    assert again.returncode == 0
    assert "nothing to resume" in again.stdout


def test_killed_run_ends_its_worker_and_resumes_from_its_last_whole_checkpoint(
    uninterrupted: RunDir, tmp_path: Path
) -> None:
    child = begin(tmp_path)
    rundir = wait_for_step(tmp_path, 10)
    second = resume(rundir)
    assert second.returncode == 2
    assert "going on in another process" in second.stderr
    child.kill()
    child.communicate(timeout=60)
    time.sleep(1)
    listed = subprocess.run(
        [*COMMAND, "runs", f"runs_dir={tmp_path}"],
        env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "interrupted in train" in listed.stdout
    newest = max(rundir.checkpoints.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    (newest / "optimizer.pt").unlink(missing_ok=True)
    resumed = resume(rundir)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert f"{newest.name} is passed over" in resumed.stdout
    assert losses(rundir) == losses(uninterrupted)
