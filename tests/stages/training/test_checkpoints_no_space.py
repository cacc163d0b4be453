"""A full disk costs the checkpoint that was being saved, and nothing else."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from following import (
    COMMAND,
    ENVIRONMENT,
    begin,
    begin_again,
    losses,
    resume,
    wait_for_step,
)

from ftrecipe.manifest import what_is_wrong
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.state import read_status

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="needs root to mount a small disk"
    ),
]

# A checkpoint takes 3.1 MB, the result 1.1.
WORDS = [
    "+recipe=quickstart", "eval=[]", "export=[]", "hardware=cpu", "model.dtype=float32",
    "trainer.max_steps=9", "trainer.save_steps=3", "trainer.logging_steps=1",
]  # fmt: skip


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a file system of `size` at `folder`; skips where this process may not."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    said = subprocess.run(words, capture_output=True, text=True)
    if said.returncode:
        pytest.skip(f"cannot mount a small disk here: {said.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


@pytest.fixture
def written(tmp_path: Path) -> RunDir:
    """A run that is planned and not begun."""
    words = [*COMMAND, "plan", "--write", *WORDS, f"runs_dir={tmp_path}"]
    subprocess.run(words, env=ENVIRONMENT, capture_output=True, check=True)
    return RunDir(next(tmp_path.glob("quickstart/2*")))


def test_a_full_disk_loses_one_checkpoint_and_the_result_can_be_had_once_there_is_room(
    written: RunDir, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    aside = written.adapter.with_name(".adapter")
    with small_disk(written.checkpoints, "4m"), small_disk(aside, "200k"):
        child = begin_again(written)
        printed, _ = child.communicate(timeout=300)
        assert child.returncode == 1, printed
        assert [one.name for one in written.checkpoints.iterdir()] == ["checkpoint-3"]
        assert what_is_wrong(written.checkpoints / "checkpoint-3") is None
        shutil.copytree(written.checkpoints, kept)
    for step in (6, 9):
        lost = f"warning   checkpoint-{step} could not be saved: no space left on device"
        assert lost in printed
    assert "training goes on, the last one is checkpoint-3" in printed
    assert "failed in train: the result could not be saved: no space left on device" in printed
    assert f"python -m ftrecipe resume {written.path}" in printed
    assert "Traceback" not in printed
    status = read_json(written.status)
    assert (status["state"], status["stage"]) == ("failed", "train")
    before = losses(written)
    assert [step for step, _ in before] == list(range(1, 10))
    kept.rename(written.checkpoints)
    resumed = resume(written)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "going on from checkpoint-3" in resumed.stdout
    assert losses(written) == before
    assert read_json(written.status)["state"] == "finished"


def test_a_disk_that_has_no_byte_left_ends_the_run_in_words_and_it_goes_on_once_there_is_room(
    tmp_path: Path,
) -> None:
    small = tmp_path / "small"
    with small_disk(small, "40m"):
        child = begin(small, *WORDS)
        rundir = wait_for_step(small, 4)
        with (small / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        printed, _ = child.communicate(timeout=300)
        assert child.returncode == 1, printed
        assert "no space left on" in printed
        assert "Traceback" not in printed
        assert read_status(rundir)["state"] in ("failed", "interrupted")
        (small / "filler").unlink()
        resumed = resume(rundir)
        assert resumed.returncode == 0, resumed.stdout + resumed.stderr
        assert "going on from checkpoint-3" in resumed.stdout
        assert [step for step, _ in losses(rundir)] == list(range(1, 10))


def test_three_lost_checkpoints_in_a_row_stop_the_run_which_then_can_go_on(
    written: RunDir,
) -> None:
    with small_disk(written.checkpoints, "1m"):
        child = begin_again(written)
        printed, _ = child.communicate(timeout=300)
        assert not list(written.checkpoints.iterdir())
    assert child.returncode == 1, printed
    assert "checkpoint-3 could not be saved" in printed
    assert "there is none before it" in printed
    assert "3 checkpoints in a row could not be saved: make room on the disk" in printed
    assert not written.adapter.exists()
    assert read_json(written.status)["state"] == "failed"
