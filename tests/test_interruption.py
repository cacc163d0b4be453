"""A run that is stopped or killed keeps what it had, and goes on as if nothing had happened."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from following import COMMAND, ENVIRONMENT, begin, losses, resume, wait_for_step, whole

from ftrecipe.rundir import RunDir, read_json

pytestmark = pytest.mark.slow

WORDS = [
    "+recipe=quickstart", "eval=[]", "export=[]", "hardware=cpu", "model.dtype=float32",
    "trainer.max_steps=24", "trainer.save_steps=4", "trainer.logging_steps=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    return whole(tmp_path_factory.mktemp("whole"), *WORDS)


def test_interrupt_saves_a_checkpoint_and_resume_ends_with_the_same_losses(
    uninterrupted: RunDir, tmp_path: Path
) -> None:
    child = begin(tmp_path, *WORDS)
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
    child = begin(tmp_path, *WORDS)
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
