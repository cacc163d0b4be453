"""Runs of several processes through the launcher: killed, resumed, by hand, on two machines."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from following import COMMAND, ENVIRONMENT, begin, losses, resume, wait_for_step, whole

from ftrecipe.ranks import is_alive
from ftrecipe.rundir import RunDir, read_json

pytestmark = pytest.mark.slow

WORDS = [
    "+recipe=quickstart", "eval=[]", "export=[]", "hardware=cpu_2", "hardware.precision=fp32",
    "trainer.per_device_train_batch_size=8", "trainer.max_steps=20", "trainer.save_steps=4",
    "trainer.logging_steps=1",
]  # fmt: skip


def pid_of(rundir: RunDir, rank: int) -> int:
    return read_json(rundir.rank_record(rank))["pid"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    return whole(tmp_path_factory.mktemp("whole"), *WORDS)


def test_two_processes_train_and_the_plan_is_what_ran(uninterrupted: RunDir) -> None:
    metrics = read_json(uninterrupted.metrics)
    assert metrics["train"]["processes"] == 2
    assert read_json(uninterrupted.status)["state"] == "finished"
    assert "torch.distributed.run" in uninterrupted.plan.read_text()
    assert read_json(uninterrupted.rank_record(1))["state"] == "finished"
    assert uninterrupted.rank_log(1).is_file()
    assert (uninterrupted.adapter / "adapter_model.safetensors").is_file()


def test_a_killed_rank_ends_the_run_and_is_named_and_resume_ends_with_the_same_losses(
    uninterrupted: RunDir, tmp_path: Path
) -> None:
    child = begin(tmp_path, *WORDS)
    rundir = wait_for_step(tmp_path, 6)
    others = [pid_of(rundir, 0), child.pid]
    killed = time.monotonic()
    os.kill(pid_of(rundir, 1), signal.SIGKILL)
    printed, _ = child.communicate(timeout=60)
    assert time.monotonic() - killed < 30
    assert child.returncode == 1, printed
    assert "failed in train: rank 1: its process" in printed
    assert "was killed" in printed
    assert printed.count("go on     python -m ftrecipe resume") == 1
    assert not any(is_alive(pid) for pid in others)
    status = read_json(rundir.status)
    assert (status["state"], status["stage"]) == ("failed", "train")
    assert status["error"].startswith("rank 1: its process")
    resumed = resume(rundir)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert losses(rundir) == losses(uninterrupted)


def test_a_preempted_run_goes_on_with_the_same_losses_and_on_one_process_with_close_ones(
    uninterrupted: RunDir, tmp_path: Path
) -> None:
    child = begin(tmp_path, *WORDS)
    rundir = wait_for_step(tmp_path, 6)
    child.send_signal(signal.SIGTERM)
    printed, _ = child.communicate(timeout=120)
    assert child.returncode == 130, printed
    status = read_json(rundir.status)
    assert (status["state"], status["stage"]) == ("interrupted", "train")
    stopped_at = losses(rundir)[-1][0]
    assert (rundir.checkpoints / f"checkpoint-{stopped_at}").is_dir()
    copied = tmp_path / "copy" / "quickstart" / "2copy"
    copied.parent.mkdir(parents=True)
    subprocess.run(["cp", "-r", rundir.path, copied], check=True)
    resumed = resume(rundir)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert losses(rundir) == losses(uninterrupted)
    alone = resume(RunDir(copied), "hardware=cpu", "hardware.precision=fp32")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    boundary = read_json(RunDir(copied).run)
    assert boundary["global_batch_size"] == 16
    assert boundary["config"]["trainer"]["gradient_accumulation_steps"] == 2
    for (step, loss), (same, other) in zip(
        losses(uninterrupted), losses(RunDir(copied)), strict=True
    ):
        assert step == same
        assert loss == pytest.approx(other, abs=1e-3)


def test_all_processes_die_with_a_launcher_that_is_killed(tmp_path: Path) -> None:
    child = begin(tmp_path, *WORDS)
    rundir = wait_for_step(tmp_path, 1)
    ranks = [pid_of(rundir, 0), pid_of(rundir, 1)]
    child.kill()
    child.communicate(timeout=60)
    deadline = time.monotonic() + 10
    while any(map(is_alive, ranks)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, ranks))


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., RunDir]:
    """Write a plan and start nothing."""

    def write(*words: str) -> RunDir:
        said = subprocess.run(
            [*COMMAND, "plan", "--write", *WORDS, f"runs_dir={tmp_path}", *words],
            env=ENVIRONMENT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "start     sh " in said.stdout
        return RunDir(next(tmp_path.glob("quickstart/2*")))

    return write


def test_a_plan_runs_by_hand_and_on_two_machines(
    uninterrupted: RunDir, written: Callable[..., RunDir]
) -> None:
    rundir = written(
        "hardware.num_machines=2", "hardware.processes=1", "hardware.main_process_ip=127.0.0.1",
        f"hardware.main_process_port={free_port()}", "trainer.max_steps=4",
    )  # fmt: skip
    machines = [
        subprocess.Popen(
            ["sh", str(rundir.plan), str(rank)],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in (1, 0)
    ]  # fmt: skip
    for machine in machines:
        printed, _ = machine.communicate(timeout=300)
        assert machine.returncode == 0, printed
    assert read_json(rundir.metrics)["train"]["processes"] == 2
    assert read_json(rundir.status)["state"] == "finished"
    first = [loss for _, loss in losses(rundir)]
    assert first[0] == pytest.approx(losses(uninterrupted)[0][1], abs=1e-6)


def test_a_plan_run_by_hand_passes_a_signal_on_and_saves_a_checkpoint(
    written: Callable[..., RunDir],
) -> None:
    rundir = written()
    shell = subprocess.Popen(
        ["sh", str(rundir.plan)],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_for_step(rundir.path.parents[1], 3)
    shell.send_signal(signal.SIGTERM)
    printed, _ = shell.communicate(timeout=120)
    assert shell.returncode != 0, printed
    status = read_json(rundir.status)
    assert (status["state"], status["stage"]) == ("interrupted", "train")
    stopped_at = losses(rundir)[-1][0]
    assert (rundir.checkpoints / f"checkpoint-{stopped_at}").is_dir()


def test_a_finished_run_is_not_trained_further_on_other_hardware(uninterrupted: RunDir) -> None:
    before = losses(uninterrupted)
    again = resume(uninterrupted, "hardware=cpu")
    assert again.returncode == 0
    assert "nothing to resume" in again.stdout
    more = resume(uninterrupted, "hardware=cpu", "eval=[perplexity]", "hardware.precision=fp32")
    assert more.returncode == 0, more.stdout + more.stderr
    assert "20 steps were taken before: nothing to train" in more.stdout
    assert losses(uninterrupted) == before
