"""The heaviest batch goes first, leaves no trace, and memory that runs out names it."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.measuring.first_batch import FirstBatch, try_first_batch
from ftrecipe.stages.prepare import prepare
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session
from ftrecipe.stages.train import train

pytestmark = pytest.mark.slow

# Rows in any order, so that the first batch is not the longest; dropout, which draws numbers.
SMALL = [
    "recipe=quickstart", "hardware=cpu", "model.dtype=float32", "export=[]", "peft.dropout=0.2",
    "trainer.max_steps=4", "trainer.logging_steps=1", "trainer.per_device_train_batch_size=4",
    "eval=[qa,perplexity]",
]  # fmt: skip
SHUFFLED = ["trainer.group_by_length=false", "trainer.eval_steps=2"]
PLENTY = 4 << 30  # bytes of address space: enough for libraries, not for the batch below


def trained(folder: Path, *words: str) -> RunDir:
    """Train in this process."""
    session = Session.open(
        launch.create(plan.make(compose([*SMALL, *words, f"runs_dir={folder}"]))), Screen(None)
    )
    prepare(session)
    train(session)
    return session.dir


def losses(run: RunDir) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in run.history.read_text().splitlines()]
    return [{key: line[key] for key in line.keys() & {"loss", "eval_loss"}} for line in lines]


def test_losses_and_weights_are_bitwise_those_without_a_rehearsal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_it = trained(tmp_path, *SHUFFLED)
    said = capsys.readouterr().out
    without = trained(tmp_path, *SHUFFLED, "trainer.rehearsal=false")
    assert "rehearsal a training batch of 4 rows x " in said
    assert "; a validation batch of " in said
    assert "rehearsal" not in capsys.readouterr().out
    assert losses(with_it) == losses(without)
    assert len(losses(with_it)) == 6
    one, other = (
        load_file(run.adapter / "adapter_model.safetensors") for run in (with_it, without)
    )
    assert all(one[name].equal(other[name]) for name in one)


def test_a_first_step_that_is_the_heaviest_is_not_taken_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(tmp_path, "eval=[]")
    assert "rehearsal the first step has the heaviest batch" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["qa", "perplexity"])
def test_of_a_suite_the_first_batch_is_computed_and_no_more(tmp_path: Path, name: str) -> None:
    words = [f"eval.{one}.batch_size=3" for one in ("qa", "perplexity")]
    made = plan.make(compose([*SMALL, *words, f"runs_dir={tmp_path}"]))
    session = Session.open(launch.create(made), Screen(None))
    prepare(session)
    seen: list[int] = []
    model = session.models.start
    model.model.embed_tokens.register_forward_pre_hook(lambda _, ids: seen.append(len(ids[0])))
    subject = FirstBatch(model, session.tokenizer, session.prepared)
    try_first_batch(session.run.eval[name], subject)
    assert seen == ([3, 3] if name == "qa" else [3])


@pytest.mark.skipif(sys.platform != "linux", reason="limits address space as Linux does")
def test_memory_that_runs_out_does_so_before_the_first_step_and_names_the_batch(
    tmp_path: Path,
) -> None:
    data = tmp_path / "rows.jsonl"
    rows = [
        {"question": "why?", "answer": "a b c d e " * (180 if n > 191 else 1)} for n in range(256)
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    words = [
        "dataset=question_answer", f"dataset.path={data}", "hardware=cpu", "eval=[]", "export=[]",
        "dataset.split={train:1,validation:0,test:0}", "trainer.group_by_length=false",
        "trainer.per_device_train_batch_size=64", "model.dtype=float32", f"runs_dir={tmp_path}",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "ftrecipe", *words],
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (PLENTY, PLENTY)),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "out of memory in a training batch of 64 rows x " in done.stderr
    assert "rehearsed before the first step; use trainer.per_device_train_batch_size=32 with " in (
        done.stderr
    )
    (status,) = tmp_path.glob("*/2*/status.json")
    assert read_json(status)["state"] == "failed"
    assert not (status.parent / "history.jsonl").exists()
