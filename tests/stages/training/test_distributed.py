"""Several processes train what one would have, save it whole, stop together and go on."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import torch

from ftrecipe import assemble, config, launch, plan
from ftrecipe.components.strategy.fsdp import FSDP_ON_CPU
from ftrecipe.compose import compose
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.stages.prepare import prepare
from ftrecipe.stages.ranks import Rank
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session
from ftrecipe.stages.train import train

pytestmark = pytest.mark.slow

# 28 rows, 8 a step: the fourth step of an epoch has 4, and one process of two has nothing in it.
SMALL = [
    "recipe=quickstart", "eval=[]", "export=[]", "model.dtype=float32", "hardware=cpu_2",
    "hardware.precision=fp32", "dataset.max_samples=35", "trainer.max_steps=6",
    "trainer.per_device_train_batch_size=4", "trainer.global_batch_size=8",
    "trainer.logging_steps=1", "trainer.save_steps=2", "trainer.save_total_limit=9",
    "trainer.eval_steps=3", "trainer.learning_rate=2e-3",
]  # fmt: skip
ONE = "hardware.processes=1"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
ON_CPU = {FSDP_ON_CPU: "1"}

Make = Callable[..., RunDir]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Write a run directory with prepared data."""
    folder = tmp_path_factory.mktemp("distributed")

    def made(name: str, *words: str, strategy: str = "single") -> RunDir:
        words = (*words, f"strategy={strategy}", f"runs_dir={folder}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(FSDP_ON_CPU, "1")
            rundir = launch.create(plan.make(compose([*SMALL, *words])), folder / name)
        prepare(Session.open(rundir, Screen(None)))
        return rundir

    return made


def begin(rundir: RunDir, **environment: str) -> "subprocess.Popen[str]":
    """Start the training as plan.sh does."""
    run = Session.open(rundir, Screen(None)).run
    (phase,) = assemble.phases(run, ["train"])
    return subprocess.Popen(
        assemble.command(run, phase, rundir.path), env=ENVIRONMENT | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def finished(rundir: RunDir, **environment: str) -> RunDir:
    child = begin(rundir, **environment)
    printed, _ = child.communicate(timeout=300)
    assert child.returncode == 0, printed + rundir.log.read_text()
    return rundir


def alone(rundir: RunDir) -> RunDir:
    """Train in this process."""
    train(Session.open(rundir, Screen(None)))
    return rundir


@pytest.fixture(scope="module")
def one_lora(make: Make) -> RunDir:
    return alone(make("one_lora", ONE))


@pytest.fixture(scope="module")
def one_full(make: Make) -> RunDir:
    return alone(make("one_full", ONE, "peft=full"))


@pytest.fixture(scope="module")
def ddp(make: Make) -> RunDir:
    return finished(make("ddp", strategy="ddp"))


@pytest.fixture(scope="module")
def zero1(make: Make) -> RunDir:
    return finished(make("zero1", strategy="zero1"))


@pytest.fixture(scope="module")
def zero2(make: Make) -> RunDir:
    return finished(make("zero2", strategy="zero2"))


@pytest.fixture(scope="module")
def zero3(make: Make) -> RunDir:
    return finished(make("zero3", "peft=full", strategy="zero3"))


@pytest.fixture(scope="module")
def fsdp(make: Make) -> RunDir:
    return finished(make("fsdp", "peft=full", strategy="fsdp"), **ON_CPU)


@pytest.fixture(scope="module")
def zero3_lora(make: Make) -> RunDir:
    return finished(make("zero3_lora", strategy="zero3"))


@pytest.fixture(scope="module")
def fsdp_lora(make: Make) -> RunDir:
    return finished(make("fsdp_lora", strategy="fsdp"), **ON_CPU)


PAIRS = [
    ("ddp", "one_lora"),
    ("zero1", "one_lora"),
    ("zero2", "one_lora"),
    ("zero3_lora", "one_lora"),
    ("fsdp_lora", "one_lora"),
    ("zero3", "one_full"),
    ("fsdp", "one_full"),
]


def history(rundir: RunDir, key: str) -> list[float]:
    lines = [json.loads(line) for line in rundir.history.read_text().splitlines()]
    return [line[key] for line in lines if key in line]


@pytest.mark.parametrize(("several", "one"), PAIRS)
def test_several_processes_follow_the_losses_of_one(
    several: str, one: str, request: pytest.FixtureRequest
) -> None:
    many, single = request.getfixturevalue(several), request.getfixturevalue(one)
    for key, places in (("loss", 6), ("grad_norm", 6), ("learning_rate", 6), ("eval_loss", 2)):
        expected = history(single, key)
        assert len(expected) == places
        assert history(many, key) == pytest.approx(expected, abs=1e-3)
    said, known = read_json(many.metrics)["train"], read_json(single.metrics)["train"]
    assert said["processes"] == 2
    for key in ("parameters", "trainable_parameters", "steps"):
        assert said[key] == known[key]


@pytest.mark.parametrize(("several", "one"), PAIRS)
def test_what_several_processes_save_loads_back_whole(
    several: str, one: str, request: pytest.FixtureRequest
) -> None:
    many, single = request.getfixturevalue(several), request.getfixturevalue(one)
    assert faults_of_loading(many) == []
    found, expected = (log_probabilities(rundir) for rundir in (many, single))
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    start = Session.open(single, Screen(None)).models.start
    assert (of(start) - expected).abs().max() > 1e-2, "training changed nothing"


def faults_of_loading(rundir: RunDir) -> list[str]:
    """Missing and unexpected keys of the saved model or adapter."""
    if rundir.model.is_dir():
        from transformers import AutoModelForCausalLM

        _, info = AutoModelForCausalLM.from_pretrained(rundir.model, output_loading_info=True)
        return [*info["missing_keys"], *info["unexpected_keys"], *info["mismatched_keys"]]
    tuned = Session.open(rundir, Screen(None)).models.tuned
    info = tuned.load_adapter(rundir.adapter, "again")
    return [key for key in info.missing_keys if ".again." in key] + info.unexpected_keys


def log_probabilities(rundir: RunDir) -> torch.Tensor:
    return of(Session.open(rundir, Screen(None)).models.tuned)


def of(model: torch.nn.Module) -> torch.Tensor:
    ids = torch.arange(5, 45).unsqueeze(0)
    with torch.no_grad():
        return model.eval()(input_ids=ids).logits.log_softmax(-1)


def test_ranks_leave_a_record_and_only_the_first_writes_the_run(ddp: RunDir) -> None:
    schema = read_json(Path(config.__file__).parent / "schemas" / "rank.json")
    for rank in (0, 1):
        record = read_json(ddp.rank_record(rank))
        jsonschema.validate(record, schema)
        assert (record["rank"], record["state"]) == (rank, "finished")
    assert history(ddp, "step") == [1, 2, 3, 3, 4, 5, 6, 6]
    assert read_json(ddp.status)["state"] == "running"  # the report is left to do
    assert "steps in" in ddp.rank_log(1).read_text()


@pytest.fixture(scope="module")
def stopped(make: Make) -> RunDir:
    """A training of two processes of which one was asked to stop."""
    rundir = make("stopped", strategy="ddp")
    write_json(
        rundir.rank_record(7),
        {"rank": 7, "pid": 1, "host": "x", "state": "failed", "error": "old", "at": 0.0},
    )
    child = begin(rundir)
    deadline = time.monotonic() + 120
    while not (rundir.history.is_file() and history(rundir, "loss")):
        assert child.poll() is None, child.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for _ in range(2):  # a scheduler and an agent may both tell it
        os.kill(read_json(rundir.rank_record(1))["pid"], signal.SIGTERM)
    child.communicate(timeout=120)
    return rundir


def test_processes_stop_together_when_one_is_asked_to(stopped: RunDir) -> None:
    status = read_json(stopped.status)
    assert (status["state"], status["stage"]) == ("interrupted", "train")
    records = {file.name: read_json(file)["state"] for file in stopped.logs.glob("*.json")}
    assert records == {"rank_0.json": "stopped", "rank_1.json": "stopped"}
    last = len(history(stopped, "loss"))
    assert last < 6, "it was too fast to be stopped"
    sealed = read_json(stopped.checkpoints / f"checkpoint-{last}" / "whole.json")
    assert sealed["processes"] == 2
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= set(sealed["files"])


def test_stopped_training_goes_on_alone_with_the_same_rows(
    stopped: RunDir, ddp: RunDir, make: Make
) -> None:
    rundir = make("resumed_alone", ONE)
    shutil.copytree(stopped.checkpoints, rundir.checkpoints)
    shutil.copy(stopped.history, rundir.history)
    alone(rundir)
    assert history(rundir, "step") == history(ddp, "step")
    assert history(rundir, "loss") == pytest.approx(history(ddp, "loss"), abs=1e-3)
    assert history(rundir, "learning_rate") == history(ddp, "learning_rate")


def test_stopped_training_goes_on_bitwise(stopped: RunDir, ddp: RunDir, make: Make) -> None:
    rundir = make("resumed", strategy="ddp")
    shutil.copytree(stopped.checkpoints, rundir.checkpoints)
    shutil.copy(stopped.history, rundir.history)
    finished(rundir)
    for key in ("loss", "grad_norm", "learning_rate", "eval_loss"):
        assert history(rundir, key) == history(ddp, key)


@pytest.mark.parametrize("strategy", ["zero2", "zero3", "fsdp"])
def test_divided_training_goes_on_bitwise(
    strategy: str, request: pytest.FixtureRequest, make: Make
) -> None:
    whole: RunDir = request.getfixturevalue(strategy)
    words = [] if strategy == "zero2" else ["peft=full"]
    rundir = make(f"resumed_{strategy}", *words, strategy=strategy)
    for name in ("checkpoint-2", "checkpoint-4"):
        shutil.copytree(whole.checkpoints / name, rundir.checkpoints / name)
    (rundir.checkpoints / "checkpoint-4" / "rng_state_1.pth").unlink()
    shutil.copy(whole.history, rundir.history)
    finished(rundir, **ON_CPU)
    log = rundir.log.read_text()
    assert "checkpoint-4 is passed over: rng_state_1.pth is missing" in log
    assert "going on from checkpoint-2" in log
    for key in ("loss", "grad_norm", "learning_rate", "eval_loss"):
        assert history(rundir, key) == history(whole, key)


def test_training_refuses_another_number_of_processes_than_planned(make: Make) -> None:
    rundir = make("lonely", strategy="ddp")
    child = subprocess.run(
        assemble.command(
            Session.open(rundir, Screen(None)).run, assemble.Phase(("train",), False), rundir.path
        ),
        env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert child.returncode == 1
    said = "train should run in 2 processes and was started in one process"
    assert said in child.stderr
    assert said in read_json(rundir.status)["error"]


def test_training_refuses_to_become_plain_ddp_where_sharding_was_planned(make: Make) -> None:
    rundir = make("no_gpu", strategy="fsdp")
    child = begin(rundir)
    child.communicate(timeout=120)
    assert child.returncode != 0
    said = "planned for 2 processes with FSDP, and accelerate made"
    assert said in read_json(rundir.status)["error"]
    for rank in (0, 1):
        assert said in read_json(rundir.rank_record(rank))["error"]
        log = rundir.rank_log(rank).read_text()
        assert "Traceback" in log
        assert said in log


def test_other_stages_refuse_several_processes() -> None:
    from ftrecipe.errors import StageError

    run = compose([*SMALL, "strategy=ddp"]).run
    with pytest.raises(StageError, match="report should run in one process"):
        Rank(0, 0, 2, launched=True).check(run, ["report"])
