"""A run goes on only as what it was: what else has changed is named with its old and new value."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe import launch, manifest, plan
from ftrecipe.basis import Basis
from ftrecipe.compose import compose
from ftrecipe.config import PACKAGE, RunConfig, from_plain
from ftrecipe.errors import ConfigError
from ftrecipe.existing import GOING_ON, check_checkpoint, recompose
from ftrecipe.rundir import RunDir, read_json, write_json

SHARE = "trainer.per_device_train_batch_size=4"  # of 8 rows, for each of two devices


@pytest.fixture
def run(faq: str, here: Path) -> RunDir:
    """A run that was interrupted in training, with a checkpoint."""
    shutil.copytree(PACKAGE / "builtin" / "tiny", here / "base")
    words = [f"dataset={faq}", "model=./base", "peft=lora", "peft.r=4", "hardware=cpu",
             "trainer.learning_rate=1e-3", "trainer.max_steps=9", "eval=[]"]  # fmt: skip
    rundir = launch.create(plan.make(compose(words)))
    status = {"state": "interrupted", "stage": "train", "done": ["prepare", "baseline"]}
    write_json(rundir.status, launch.PLANNED | status)
    checkpoint = rundir.checkpoints / "checkpoint-4"
    checkpoint.mkdir(parents=True)
    (checkpoint / "optimizer.pt").write_bytes(b"moments")
    basis = Basis.of(as_it_is(rundir), rundir, 9).plain()
    manifest.write(checkpoint, 1, None, basis)
    return rundir


def as_it_is(rundir: RunDir) -> RunConfig:
    """Read the run as a worker does."""
    return from_plain(read_json(rundir.run)["config"])


def edit(rundir: RunDir, group: str | None, key: str, value: object) -> None:
    """Change run.json as a person with an editor does."""
    whole = json.loads(rundir.run.read_text())
    node = whole["config"] if group is None else whole["config"][group]
    assert key in node
    node[key] = value
    rundir.run.write_text(json.dumps(whole))


def test_a_run_that_is_as_it_was_goes_on_from_its_checkpoint(run: RunDir) -> None:
    assert check_checkpoint(run, as_it_is(run)) == run.checkpoints / "checkpoint-4"


@pytest.mark.parametrize(
    ("group", "key", "value", "said"),
    [
        ("trainer", "learning_rate", 5e-4, "trainer.learning_rate: 0.001 in checkpoint-4, 0.0005"),
        ("trainer", "gradient_accumulation_steps", 2, "rows of an optimizer step: 8 in check"),
        ("trainer", "lr_scheduler_type", "linear", "trainer.lr_scheduler_type: cosine in check"),
        ("peft", "r", 8, "peft.r: 4 in checkpoint-4, 8 now"),
        (None, "seed", 7, "seed: 42 in checkpoint-4, 7 now"),
        ("model", "dtype", "bfloat16", "model.dtype: auto in checkpoint-4, bfloat16 now"),
        ("dataset", "max_samples", 5, "dataset.max_samples: null in checkpoint-4, 5 now"),
    ],
    ids=["rate", "batch", "schedule", "rank", "seed", "dtype", "samples"],
)
def test_run_json_edited_in_what_may_not_change_is_refused_by_name(
    group: str | None, key: str, value: object, said: str, cli: Cli, run: RunDir
) -> None:
    edit(run, group, key, value)
    before = read_json(run.status)
    told = cli("resume", str(run.path))
    assert told.code == 2
    assert said in told.err
    assert "a run goes on only as what it was" in told.err
    assert read_json(run.status) == before


def test_a_changed_data_file_is_refused_by_its_hashes(cli: Cli, run: RunDir, faq: str) -> None:
    file = run.path.parents[2] / faq
    file.write_text(file.read_text().replace("What is 3?", "What was 3?"))
    told = cli("resume", str(run.path))
    assert told.code == 2
    (old,) = read_json(run.checkpoints / "checkpoint-4" / manifest.SEAL)["basis"]["data"].values()
    assert f"data file dataset.path faq.csv: {old[:12]}… in checkpoint-4, " in told.err


def test_other_base_weights_are_refused_by_their_hashes(cli: Cli, run: RunDir, here: Path) -> None:
    with (here / "base" / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    told = cli("resume", str(run.path))
    assert told.code == 2
    assert "weights of the base model.safetensors: " in told.err


def test_another_strategy_is_refused_before_a_worker_starts(cli: Cli, run: RunDir) -> None:
    seal = run.checkpoints / "checkpoint-4" / manifest.SEAL
    known = {key: value for key, value in read_json(seal).items() if key != "schema_version"}
    write_json(seal, known | {"divided": "ZeRO-3", "processes": 2})
    before = read_json(run.run)
    told = cli("resume", str(run.path), "hardware=cpu_2", "strategy=ddp", SHARE)
    assert told.code == 2
    assert "checkpoint-4 was saved by ZeRO-3, and this run trains undivided" in told.err
    assert read_json(run.run) == before


def test_all_that_has_changed_is_told_at_once(cli: Cli, run: RunDir, faq: str) -> None:
    edit(run, None, "seed", 7)
    edit(run, "peft", "alpha", 1)
    (run.path.parents[2] / faq).write_text("question,answer\na,b\n")
    said = cli("resume", str(run.path)).err
    assert all(word in said for word in ("seed: 42", "peft.alpha: 32", "data file dataset.path"))


@pytest.mark.parametrize(
    "words",
    [["trainer.num_train_epochs=9"], ["trainer.max_steps=30"], ["eval=[qa]"],
     ["tracking=tensorboard"], ["export=[adapter]"], ["trainer.save_steps=2"],
     ["hardware=cpu_2", "strategy=ddp", SHARE], [SHARE], ["trainer.guards.zero_loss=warn"]],
    ids=lambda words: words[0],
)  # fmt: skip
def test_epochs_evaluation_tracking_and_hardware_may_change(words: list[str], run: RunDir) -> None:
    made = recompose(run, words, GOING_ON)
    assert check_checkpoint(run, made.run) == run.checkpoints / "checkpoint-4"


def test_data_that_is_gone_hinders_nothing_since_it_is_prepared(run: RunDir, faq: str) -> None:
    (run.path.parents[2] / faq).unlink()
    assert check_checkpoint(run, as_it_is(run)) is not None
    with pytest.raises(ConfigError, match=f"{faq} does not exist"):
        recompose(run, [], GOING_ON)
    write_json(run.path / "cache" / "report.json", {})
    write_json(run.prepared, {"path": str(run.path / "cache"), "fingerprint": "0"})
    made = recompose(run, ["trainer.max_steps=30"], GOING_ON)
    assert check_checkpoint(run, made.run) is not None


def test_a_damaged_checkpoint_is_not_what_the_run_is_compared_with(run: RunDir) -> None:
    newer = run.checkpoints / "checkpoint-8"
    shutil.copytree(run.checkpoints / "checkpoint-4", newer)
    (newer / "optimizer.pt").write_bytes(b"")
    (run.checkpoints / "checkpoint-9").mkdir()
    assert check_checkpoint(run, as_it_is(run)) == run.checkpoints / "checkpoint-4"


def test_other_versions_of_packages_are_told_and_refuse_nothing(run: RunDir) -> None:
    before = Basis.of(as_it_is(run), run)
    now = replace(before, packages=before.packages | {"peft": "0.99"})
    assert before.changes(now, "checkpoint-4") == []
    assert before.other_packages(now) == [f"peft {before.packages['peft']} then, 0.99 now"]


def test_an_option_that_a_newer_version_adds_is_no_change(run: RunDir) -> None:
    now = Basis.of(as_it_is(run), run)
    older = {key: value for key, value in now.config.items() if key != "peft.dropout"}
    before = replace(now, config=older)
    assert before.changes(now, "checkpoint-4") == ["peft.dropout: nothing in checkpoint-4, 0.0 now"]
    before = replace(before, packages=now.packages | {"ftrecipe": "0.0.1"})
    assert before.changes(now, "checkpoint-4") == []


def test_other_prepared_data_of_the_same_files_is_refused(run: RunDir) -> None:
    before = replace(Basis.of(as_it_is(run), run), prepared="a" * 64)
    now = replace(before, prepared="b" * 64)
    said = "prepared data: aaaaaaaaaaaa… in checkpoint-4, bbbbbbbbbbbb… now"
    assert before.changes(now, "checkpoint-4") == [said]
