"""What is measured while training changes nothing of it; and what follows from it is exact."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import torch
from safetensors.torch import load_file

from ftrecipe import assemble, config, launch, plan
from ftrecipe.compose import compose
from ftrecipe.errors import StageError
from ftrecipe.manifest import all_in
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.prepare import prepare
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session
from ftrecipe.stages.train import train
from ftrecipe.stages.training.best import Best
from ftrecipe.stages.training.sampled import evenly

pytestmark = pytest.mark.slow

SMALL = [
    "recipe=quickstart", "eval=[qa,forgetting]", "eval.qa.max_new_tokens=4", "export=[]",
    "model.dtype=float32", "hardware=cpu", "hardware.precision=fp32", "dataset.max_samples=48",
    "trainer.max_steps=8", "trainer.per_device_train_batch_size=4", "trainer.logging_steps=1",
    "trainer.eval_steps=2", "trainer.save_steps=100", "trainer.learning_rate=2e-3",
    "peft.dropout=0.1", "trainer.guards.growing_gap=ignore",
]  # fmt: skip
SUITES = ("trainer.eval_suites=[qa,forgetting]", "trainer.eval_samples=4")
TEMPERED = "eval.qa.temperature=1.0"
BEST = ("trainer.load_best_model_at_end=true", "trainer.early_stopping_patience=2",
        "trainer.early_stopping_threshold=0.1")  # fmt: skip
# So high that the loss on other rows soon gets worse: the best one is not the last.
LONG = ("trainer.learning_rate=0.2", "trainer.save_total_limit=1", "trainer.max_steps=40")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

Make = Callable[..., RunDir]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Write a run directory with prepared data."""
    folder = tmp_path_factory.mktemp("measuring")

    def made(name: str, *words: str) -> RunDir:
        words = (*words, f"runs_dir={folder}")
        rundir = launch.create(plan.make(compose([*SMALL, *words])), folder / name)
        prepare(Session.open(rundir, Screen(None)))
        return rundir

    return made


def alone(rundir: RunDir) -> RunDir:
    """Train in this process."""
    train(Session.open(rundir, Screen(None)))
    return rundir


def command(rundir: RunDir) -> list[str]:
    run = Session.open(rundir, Screen(None)).run
    (phase,) = assemble.phases(run, ["train"])
    return assemble.command(run, phase, rundir.path)


def several(rundir: RunDir) -> RunDir:
    """Train as plan.sh does, in processes of their own."""
    said = subprocess.run(
        command(rundir), env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300
    )
    assert said.returncode == 0, said.stdout + said.stderr + rundir.log.read_text()
    return rundir


def history(rundir: RunDir, key: str) -> list[tuple[int, float]]:
    lines = [json.loads(line) for line in rundir.history.read_text().splitlines()]
    return [(line["step"], line[key]) for line in lines if key in line]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    (file,) = folder.glob("*.safetensors")
    return load_file(file)


def same(one: Path, other: Path) -> bool:
    mine, theirs = weights(one), weights(other)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


@pytest.fixture(scope="module")
def plain(make: Make) -> RunDir:
    return alone(make("plain"))


@pytest.fixture(scope="module")
def measured(make: Make) -> RunDir:
    return alone(make("measured", *SUITES, TEMPERED))


def test_measuring_suites_leaves_losses_and_weights_bitwise_as_they_are(
    plain: RunDir, measured: RunDir
) -> None:
    for key in ("loss", "grad_norm", "eval_loss"):
        assert history(measured, key) == history(plain, key)
    assert same(measured.adapter, plain.adapter)


def test_every_evaluation_writes_what_the_suites_say_by_the_schema(measured: RunDir) -> None:
    schema = read_json(Path(config.__file__).parent / "schemas" / "history.json")
    for line in measured.history.read_text().splitlines():
        jsonschema.validate(json.loads(line), schema)
    for key in ("eval.qa.f1", "eval.qa.exact_match", "eval.forgetting.loss"):
        assert [step for step, _ in history(measured, key)] == [2, 4, 6, 8]
    assert history(measured, "eval.qa.questions") == []


def test_suites_take_turns_and_the_last_evaluation_has_them_all(make: Make) -> None:
    rundir = alone(make("seldom", *SUITES, "trainer.eval_suites_every=3"))
    assert [step for step, _ in history(rundir, "eval.qa.f1")] == [6, 8]
    assert [step for step, _ in history(rundir, "eval_loss")] == [2, 4, 6, 8]


def test_recomputing_activations_or_full_tuning_does_not_notice_either(make: Make) -> None:
    full = ("peft=full", "trainer.gradient_checkpointing=true", "trainer.max_steps=4")
    words = [word for word in full if word]
    without, beside = alone(bare(make, "full", words)), alone(bare(make, "full_b", words, SUITES))
    assert history(beside, "loss") == history(without, "loss")
    assert same(beside.model, without.model)


def bare(make: Make, name: str, words: list[str], more: tuple[str, ...] = ()) -> RunDir:
    """Make a run without a dropout of the method, which full tuning does not have."""
    SMALL.remove("peft.dropout=0.1")
    try:
        return make(name, *words, *more)
    finally:
        SMALL.append("peft.dropout=0.1")


def test_two_processes_do_not_notice_and_agree_on_what_was_measured(make: Make) -> None:
    two = ("hardware=cpu_2", "strategy=ddp", "hardware.precision=fp32")
    without = several(make("two", *two))
    beside = several(make("two_b", *two, *SUITES, *BEST, "trainer.metric_for_best_model=qa.f1"))
    steps = len(history(beside, "loss"))
    assert history(beside, "loss") == history(without, "loss")[:steps]
    assert history(beside, "eval.qa.f1")[0][0] == 2
    assert read_json(beside.metrics)["train"]["best_metric"] == "qa.f1"


@pytest.fixture(scope="module")
def stopped(make: Make) -> RunDir:
    return several(make("stopped", *BEST, *LONG))


def test_a_training_without_gains_ends_early_and_takes_the_best_weights(stopped: RunDir) -> None:
    told = read_json(stopped.metrics)["train"]
    losses = history(stopped, "eval_loss")
    step, value = min(losses, key=lambda one: one[1])
    assert told["stopped_early"]
    assert told["best_metric"] == "eval_loss"
    assert (told["best_step"], told["best_value"]) == (step, value)
    assert told["steps"] == step + 2 * 2 < 40
    schema = read_json(Path(config.__file__).parent / "schemas" / "metrics.json")
    jsonschema.validate(read_json(stopped.metrics), schema)
    kept = stopped.checkpoints / f"checkpoint-{step}"
    assert all_in(stopped.checkpoints) == [kept]  # saved because it was the best, and still there
    assert same(stopped.adapter, kept)


def test_a_training_that_ended_early_is_not_gone_on_with(stopped: RunDir, tmp_path: Path) -> None:
    rundir = RunDir(tmp_path / "copy")
    shutil.copytree(stopped.path, rundir.path)
    before = rundir.history.read_text()
    alone(rundir)
    assert rundir.history.read_text() == before
    assert same(rundir.adapter, stopped.adapter)


def test_more_patience_goes_on_from_there(make: Make, stopped: RunDir) -> None:
    """And what goes on in a copy finds the best checkpoint where the copy is."""
    rundir = make("patient", *BEST, *LONG, "trainer.early_stopping_patience=3")
    for part in ("checkpoints", "adapter", "history.jsonl", "metrics.json"):
        there = stopped.path / part
        (shutil.copytree if there.is_dir() else shutil.copy)(there, rundir.path / part)
    alone(rundir)
    told, before = (read_json(one.metrics)["train"] for one in (rundir, stopped))
    assert told["steps"] > before["steps"]
    assert told["best_step"] == before["best_step"]
    assert same(rundir.adapter, stopped.adapter)


@pytest.mark.parametrize("peft", ["full", "dora", "prefix_tuning", "pissa"])
def test_the_best_weights_of_every_kind_of_method_come_back_exactly(peft: str, make: Make) -> None:
    rundir = alone(bare(make, f"back_{peft}", [f"peft={peft}", *BEST, "trainer.max_steps=6",
                        "trainer.early_stopping_threshold=100"]))  # fmt: skip
    told = read_json(rundir.metrics)["train"]
    assert (told["best_step"], told["steps"]) == (2, 6)
    kept = rundir.checkpoints / "checkpoint-2"
    if peft == "pissa":  # its result is written as plain LoRA, and its checkpoint is not
        assert not same(rundir.adapter, kept)
        return
    assert same(rundir.model if peft == "full" else rundir.adapter, kept)


def test_a_killed_training_stops_and_chooses_as_an_uninterrupted_one(
    make: Make, stopped: RunDir
) -> None:
    rundir = make("killed", *BEST, *LONG)
    worker = subprocess.Popen(command(rundir), env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    step = read_json(stopped.metrics)["train"]["best_step"]
    while not (rundir.checkpoints / f"checkpoint-{step}").is_dir() and worker.poll() is None:
        pass
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert not rundir.adapter.is_dir()
    several(rundir)
    for key in ("loss", "eval_loss"):
        assert history(rundir, key) == history(stopped, key)
    assert same(rundir.adapter, stopped.adapter)
    told, other = (read_json(one.metrics)["train"] for one in (rundir, stopped))
    for key in ("steps", "best_step", "best_value", "stopped_early"):
        assert told[key] == other[key]


def test_a_damaged_best_checkpoint_is_refused_with_a_way_out(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    rundir = make("damaged", *BEST, "trainer.max_steps=6", "trainer.early_stopping_threshold=100")
    restore = Best.restore

    def harmed(self: Best, trainer: object) -> object:
        (rundir.checkpoints / "checkpoint-2" / "adapter_model.safetensors").write_bytes(b"")
        return restore(self, trainer)  # type: ignore[arg-type]

    monkeypatch.setattr(Best, "restore", harmed)
    with pytest.raises(StageError) as told:
        alone(rundir)
    assert "checkpoint-2, the best, cannot be gone back to" in str(told.value)
    assert "trainer.load_best_model_at_end=false" in str(told.value)


def test_a_metric_that_no_example_gave_is_told(make: Make) -> None:
    words = (*SUITES, *BEST, "trainer.metric_for_best_model=forgetting.loss.nowhere")
    with pytest.raises(StageError) as told:
        alone(make("nowhere", *words))
    assert "metric_for_best_model=forgetting.loss.nowhere was not measured" in str(told.value)
    assert "forgetting.perplexity" in str(told.value)


@pytest.mark.parametrize(
    ("there", "wanted", "places"),
    [(8, 4, [0, 2, 4, 6]), (3, 4, [0, 1, 2]), (5, 2, [0, 2]), (0, 4, []), (7, 1, [0])],
)
def test_a_sample_is_spread_evenly(there: int, wanted: int, places: list[int]) -> None:
    assert evenly(there, wanted) == places
