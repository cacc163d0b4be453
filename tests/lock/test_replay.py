"""Real runs repeated by the real command: the bits come back, and what does not is told."""

import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
from answers import ROOT
from following import COMMAND, ENVIRONMENT, losses

from ftrecipe.lock import shape
from ftrecipe.rundir import RunDir, read_json

pytestmark = pytest.mark.slow

SHORT = ("trainer.max_steps=4", "trainer.logging_steps=1", "eval=[perplexity]", "export=[]",
         "eval.perplexity.max_samples=8", "dataset.validation_path=null",
         "dataset.test_path=null", "dataset.path=faq.jsonl", "model.path=model")  # fmt: skip
BUILTIN = ROOT / "ftrecipe" / "builtin"


def command(here: Path, *words: str, threads: int = 1) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *words], cwd=here, env=ENVIRONMENT | {"OMP_NUM_THREADS": str(threads)},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and a model of its own."""
    folder = tmp_path_factory.mktemp("here")
    shutil.copy(BUILTIN / "faq" / "train.jsonl", folder / "faq.jsonl")
    shutil.copytree(BUILTIN / "tiny", folder / "model")
    return folder


@pytest.fixture(scope="module")
def run(here: Path) -> RunDir:
    """The run that is repeated; computed with two threads."""
    done = command(here, "+recipe=quickstart", *SHORT, threads=2)
    assert done.returncode == 0, done.stdout + done.stderr
    return RunDir(next(here.glob("runs/quickstart/2*")))


@pytest.fixture(scope="module")
def elsewhere(run: RunDir, here: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another machine: the lock alone, and copies under other names."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copy(run.lock_json, folder / "lock.json")
    shutil.copy(here / "faq.jsonl", folder / "copy.jsonl")
    shutil.copytree(here / "model", folder / "base")
    return folder


def test_a_run_leaves_a_lock_of_all_it_was_made_of(run: RunDir) -> None:
    lock = read_json(run.lock_json)
    jsonschema.validate(lock, read_json(shape.SCHEMA))
    assert lock["complete"] is True
    assert lock["changed"] == []
    assert lock["compute"]["threads"] == 2
    assert lock["results"]["losses"]["loss"] == {str(step): loss for step, loss in losses(run)}
    assert list(lock["results"]["weights"]) == ["adapter/adapter_model.safetensors"]


def test_a_run_is_repeated_bit_by_bit_whatever_threads_are_asked_for(
    run: RunDir, here: Path
) -> None:
    done = command(here, "replay", str(run.path), threads=1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "identical, every bit (4 logged steps)" in done.stdout
    again = RunDir(max(here.glob("runs/quickstart/2*"), key=lambda path: path.name))
    assert again.path != run.path
    assert losses(again) == losses(run)
    result = "adapter/adapter_model.safetensors"
    assert (again.path / result).read_bytes() == (run.path / result).read_bytes()


def test_a_lock_alone_repeats_a_run_with_copies_of_its_files(elsewhere: Path) -> None:
    done = command(elsewhere, "replay", "lock.json", "dataset.path=copy.jsonl", "model.path=base")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("\nidentical")
    for item in ("data files", "prepared data", "base weights", "tokenizer", "losses",
                 "trained weights", "metrics", "answers"):  # fmt: skip
        line = next(line for line in reversed(done.stdout.splitlines()) if line.startswith(item))
        assert line.removeprefix(item).strip().startswith("identical")


def test_other_data_goes_on_only_when_told_to_and_is_not_identical(elsewhere: Path) -> None:
    lines = (elsewhere / "copy.jsonl").read_text("utf-8").splitlines(keepends=True)
    (elsewhere / "other.jsonl").write_text("".join(lines[:-20]), "utf-8")
    words = ["replay", "lock.json", "dataset.path=other.jsonl", "model.path=base"]
    runs = sorted(elsewhere.glob("runs/quickstart/2*"))
    assert command(elsewhere, *words).returncode == 2
    assert sorted(elsewhere.glob("runs/quickstart/2*")) == runs
    done = command(elsewhere, *words, "--anyway")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "losses           differ from step 1" in done.stdout
    assert "not identical: data files, prepared data, losses, trained weights" in done.stdout


def test_the_repetition_differs_in_nothing_but_time(run: RunDir, here: Path) -> None:
    first, *_, last = sorted(here.glob("runs/quickstart/2*"))
    assert first == run.path
    told = command(here, "diff", str(first), str(last)).stdout
    for line in told.splitlines():
        assert not line.startswith(("config", "data", "model", "versions", "machine", "results"))


def test_measuring_again_leaves_the_lock_that_was_trained_with(run: RunDir, here: Path) -> None:
    before = read_json(run.lock_json)
    done = command(here, "evaluate", str(run.path), "eval.perplexity.max_samples=4")
    assert done.returncode == 0, done.stdout + done.stderr
    after = read_json(run.lock_json)
    parts = ("data", "model", "tokenizer", "compute", "versions", "seeds")
    assert {part: after[part] for part in parts} == {part: before[part] for part in parts}
    assert after["config"]["eval"]["perplexity"]["max_samples"] == 4
    assert after["results"]["losses"] == before["results"]["losses"]
