"""A run that is stopped or killed keeps what it had, and goes on as if nothing had happened."""

import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from following import (
    COMMAND,
    ENVIRONMENT,
    begin,
    begin_again,
    children,
    losses,
    resume,
    wait_for_stage,
    wait_for_step,
    whole,
)

from ftrecipe.__main__ import main
from ftrecipe.flock import is_held
from ftrecipe.manifest import all_in
from ftrecipe.ranks import is_alive
from ftrecipe.rundir import STAGES, RunDir, read_json

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="workers die with their launcher on Linux"),
]

WORDS = [
    "+recipe=quickstart", "eval=[qa]", "eval.qa.max_samples=4", "export=[adapter]",
    "hardware=cpu", "model.dtype=float32", "trainer.max_steps=12", "trainer.save_steps=3",
    "trainer.logging_steps=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    return whole(tmp_path_factory.mktemp("whole"), *WORDS)


def result(rundir: RunDir) -> str:
    return hashlib.sha256((rundir.adapter / "adapter_model.safetensors").read_bytes()).hexdigest()


def assert_same(rundir: RunDir, uninterrupted: RunDir) -> None:
    """The run ended as the other did: bitwise the same losses, weights and scores."""
    assert losses(rundir) == losses(uninterrupted)
    assert result(rundir) == result(uninterrupted)
    mine, other = read_json(rundir.metrics), read_json(uninterrupted.metrics)
    assert (mine["base"], mine["tuned"]) == (other["base"], other["tuned"])
    status = read_json(rundir.status)
    assert (status["state"], status["done"]) == ("finished", list(STAGES))


def assert_dead(workers: list[int], rundir: RunDir) -> None:
    """Wait until killed workers are no more, with all their threads: these hold the lock too."""
    deadline = time.monotonic() + 10
    while any(map(is_alive, workers)) or is_held(rundir.lock):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def only_run(folder: Path) -> RunDir:
    return RunDir(next(folder.glob("quickstart/2*")))


def flip_a_bit(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        byte = opened.read(1)[0]
        opened.seek(-1, 1)
        opened.write(bytes([byte ^ 1]))


def test_a_run_that_was_asked_to_stop_goes_on_to_the_same_losses(
    uninterrupted: RunDir, tmp_path: Path
) -> None:
    child = begin(tmp_path, *WORDS)
    for stage, number in (("prepare", signal.SIGTERM), ("baseline", signal.SIGINT)):
        rundir = wait_for_stage(tmp_path, stage, child)
        child.send_signal(number)
        assert_stopped(rundir, child, stage)
        child = begin_again(rundir)
    rundir = wait_for_step(tmp_path, 4)
    child.send_signal(signal.SIGINT)
    printed = assert_stopped(rundir, child, "train")
    assert f"python -m ftrecipe resume {rundir.path}" in printed
    stopped_at = losses(rundir)[-1][0]
    assert (rundir.checkpoints / f"checkpoint-{stopped_at}").is_dir()
    resumed = resume(rundir)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert_same(rundir, uninterrupted)
    again = resume(rundir)
    assert again.returncode == 0
    assert "nothing to resume" in again.stdout


def test_a_run_whose_launcher_is_killed_in_each_stage_ends_as_an_uninterrupted_one(
    uninterrupted: RunDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child, damaged, older = begin(tmp_path, *WORDS), tmp_path, tmp_path
    for stage in STAGES:
        rundir = wait_for_stage(tmp_path, stage, child)
        workers = children(child.pid)
        if stage == "train":
            wait_for_step(tmp_path, 7)
            for pid in (*workers, child.pid):
                os.kill(pid, signal.SIGSTOP)  # it stays in training for as long as this takes
            assert_refused(rundir)
        child.kill()
        child.communicate(timeout=60)
        assert_dead(workers, rundir)
        assert read_json(rundir.status)["state"] == "running"
        assert main(["runs", f"runs_dir={tmp_path}"]) == 0
        assert f"interrupted in {stage}" in capsys.readouterr().out
        if stage == "train":
            damaged, older = all_in(rundir.checkpoints)
            flip_a_bit(damaged / "optimizer.pt")
        child = begin_again(rundir)
    printed, _ = child.communicate(timeout=120)
    assert child.returncode == 0, printed
    rundir = only_run(tmp_path)
    log = rundir.log.read_text()
    assert f"{damaged.name} is passed over: optimizer.pt has changed" in log
    assert f"going on from {older.name}" in log
    assert_same(rundir, uninterrupted)


def assert_stopped(rundir: RunDir, child: "subprocess.Popen[str]", stage: str) -> str:
    """It said so, where it was asked to stop; returns all that it printed."""
    printed, _ = child.communicate(timeout=120)
    assert child.returncode == 130, printed
    assert "Traceback" not in printed
    status = read_json(rundir.status)
    assert (status["state"], status["stage"]) == ("interrupted", stage)
    return printed


def assert_refused(rundir: RunDir) -> None:
    """Nothing else can be at a run that goes on: no verb, and no plan.sh by hand."""
    before = read_json(rundir.status), rundir.run.read_text()
    folder = str(rundir.path)
    entrances = [*([*COMMAND, verb, folder] for verb in ("resume", "evaluate", "export")),
                 ["sh", str(rundir.plan)]]  # fmt: skip
    for words in entrances:
        said = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        assert said.returncode == 2, (words, said.stderr)
        assert "this run is going on in another process" in said.stderr
        assert "Traceback" not in said.stderr
    assert (read_json(rundir.status), rundir.run.read_text()) == before


def test_a_run_whose_worker_is_killed_in_each_stage_ends_as_an_uninterrupted_one(
    uninterrupted: RunDir, tmp_path: Path
) -> None:
    child = begin(tmp_path, *WORDS)
    for stage in STAGES:
        rundir = wait_for_stage(tmp_path, stage, child)
        (worker,) = children(child.pid)
        os.kill(worker, signal.SIGKILL)
        printed, _ = child.communicate(timeout=60)
        assert child.returncode == 137
        assert f"interrupted in {stage}: its process was killed by signal 9" in printed
        status = read_json(rundir.status)
        assert (status["state"], status["stage"]) == ("interrupted", stage)
        child = begin_again(rundir)
    printed, _ = child.communicate(timeout=120)
    assert child.returncode == 0, printed
    assert_same(only_run(tmp_path), uninterrupted)


def test_more_steps_follow_the_schedule_of_the_new_total_and_it_is_said(
    uninterrupted: RunDir, tmp_path: Path
) -> None:
    rundir = RunDir(tmp_path / "copy")
    shutil.copytree(uninterrupted.path, rundir.path)
    resumed = resume(rundir, "trainer.max_steps=16", "eval=[]")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "16 steps instead of 12" in resumed.stdout
    lines = [json.loads(line) for line in rundir.history.read_text().splitlines()]
    top, warmup = 3e-3, math.ceil(0.1 * 16)
    for step in range(13, 17):
        share = (step - 1 - warmup) / (16 - warmup)
        cosine = top * 0.5 * (1 + math.cos(math.pi * share))
        assert lines[step - 1]["learning_rate"] == pytest.approx(cosine)
    assert losses(rundir)[:12] == losses(uninterrupted)


def test_runs_that_start_in_the_same_second_get_a_folder_each(tmp_path: Path) -> None:
    script = (
        "import sys; from ftrecipe import launch, plan; from ftrecipe.compose import compose;"
        f"made = plan.make(compose(['recipe=quickstart', 'runs_dir={tmp_path}']));"
        "print('ready', flush=True); sys.stdin.readline();"
        "print(launch.create(made).path)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60)[0].strip() for one in started]
    assert len(set(said)) == 4
    assert all(RunDir(Path(folder)).run.is_file() for folder in said)
    names = [Path(folder).name for folder in said]
    assert len({name[:19] for name in names}) < 4  # some of them did meet
