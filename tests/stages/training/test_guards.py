"""A training that goes wrong is seen at its step, told with its rows, and leaves no result."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import ftrecipe
from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.errors import StageError
from ftrecipe.rundir import read_json
from ftrecipe.stages.prepare import prepare
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session
from ftrecipe.stages.train import train

pytestmark = pytest.mark.slow

POISON = "^"  # one token of the tiny model, in one row only
LINE = 17
SMALL = [
    "dataset=question_answer", "dataset.split={train:1,validation:0,test:0}", "hardware=cpu",
    "model.dtype=float32", "eval=[]", "export=[]", "trainer.per_device_train_batch_size=4",
    "trainer.num_train_epochs=2", "trainer.save_steps=2", "trainer.logging_steps=100",
]  # fmt: skip

Open = Callable[..., Session]


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a NaN in one token's embedding, and its head a weight of its own."""
    folder = tmp_path_factory.mktemp("poisoned")
    source = Path(ftrecipe.__file__).parent / "builtin" / "tiny"
    tokenizer = AutoTokenizer.from_pretrained(source)
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    head = model.lm_head.weight.detach().clone()
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(head)
    (token,) = tokenizer(POISON, add_special_tokens=False)["input_ids"]
    model.model.embed_tokens.weight.data[token] = math.nan
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Open:
    """Open a run on 40 rows of which line 17 holds the token, its data prepared."""
    rows = [{"question": f"What is {n}?", "answer": f"It is {n}."} for n in range(40)]
    rows[LINE - 1]["question"] = f"What is {POISON}?"
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    def opened(*words: str) -> Session:
        words = (*SMALL, f"dataset.path={data}", f"runs_dir={tmp_path / 'runs'}", *words)
        session = Session.open(launch.create(plan.make(compose(words))), Screen(None))
        prepare(session)
        return session

    return opened


def reason(session: Session) -> str:
    with pytest.raises(StageError) as failure:
        train(session)
    return str(failure.value)


def saved(session: Session) -> list[str]:
    return sorted(folder.name for folder in session.dir.checkpoints.glob("checkpoint-*"))


def test_a_nan_loss_ends_the_run_with_the_step_and_the_rows_and_no_broken_checkpoint(
    poisoned: Path, start: Open
) -> None:
    session = start(f"model={poisoned}", "peft=lora")
    said = reason(session)
    step = int(said.split("at step ")[1].split(",")[0])
    assert "the loss is nan" in said
    assert "in 4 rows: " in said
    assert f", {LINE}" in said or f"line {LINE}" in said
    kept = [f"checkpoint-{before}" for before in range(2, step, 2)]
    assert saved(session) == kept[-2:]
    assert (f"{kept[-1]} is kept" if kept else "no checkpoint was saved") in said
    assert not session.dir.adapter.exists()


def test_of_an_accumulated_step_only_the_broken_micro_batch_is_named(
    poisoned: Path, start: Open
) -> None:
    words = ["trainer.per_device_train_batch_size=2", "trainer.gradient_accumulation_steps=3"]
    said = reason(start(f"model={poisoned}", "peft=lora", *words))
    assert "in 2 rows: " in said
    assert str(LINE) in said.split("in 2 rows: ")[1].split(";")[0]


def test_packed_rows_are_named_by_their_documents(poisoned: Path, start: Open) -> None:
    words = ["trainer.packing=true", "trainer.max_length=64"]
    said = reason(start(f"model={poisoned}", "peft=lora", *words))
    named = said.split("rows.jsonl line ")[1].split(";")[0].split(", ")
    assert str(LINE) in named
    assert 4 < len(named) <= 12


def test_a_guard_that_warns_goes_on_and_broken_weights_are_still_no_result(
    poisoned: Path, start: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    warn = ["trainer.guards.nan_loss=warn", "trainer.guards.nan_gradients=warn"]
    session = start(f"model={poisoned}", "peft=lora", *warn)
    assert "no result is saved" in reason(session)
    assert "warning   the loss is nan at step" in capsys.readouterr().out
    assert not session.dir.adapter.exists()


@pytest.mark.parametrize("clipping", ["1.0", "0"])
def test_broken_gradients_of_a_sound_loss_end_the_run(start: Open, clipping: str) -> None:
    session = start("peft=full", f"trainer.max_grad_norm={clipping}")
    session.models.start.model.norm.weight.register_hook(lambda gradient: gradient * math.inf)
    said = reason(session)
    assert said.startswith(("the gradients are nan at step 1,", "the gradients are inf at step 1,"))
    assert "in 4 rows: rows.jsonl line " in said
    assert saved(session) == []


def test_gradients_that_are_all_zero_end_the_run(start: Open) -> None:
    session = start("peft=full")
    for weight in session.models.start.parameters():
        weight.register_hook(torch.zeros_like)
    assert reason(session).startswith("every gradient is exactly 0: nothing is learned at step 1,")


def test_a_loss_of_zero_ends_the_run_and_says_that_no_token_is_trained_on(start: Open) -> None:
    session = start("peft=lora")
    mask_everything(session)
    assert reason(session).startswith("the loss is exactly 0 with 0 tokens to train on at step 1,")


def mask_everything(session: Session) -> None:
    """Leave no label in the prepared rows, as a wrong template would."""
    file = Path(read_json(session.dir.prepared)["path"]) / "train" / "rows.arrow"
    table = pyarrow.ipc.open_stream(file.read_bytes()).read_all()
    masked = [[-100] * len(row) for row in table["labels"].to_pylist()]
    table = table.set_column(1, "labels", pyarrow.array(masked, table.schema.field("labels").type))
    with (
        pyarrow.OSFile(str(file), "wb") as target,
        pyarrow.ipc.new_stream(target, table.schema) as out,
    ):
        out.write_table(table)


@pytest.mark.parametrize("action", ["warn", "stop"])
def test_a_growing_gap_is_told_with_both_losses(
    start: Open, action: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    rows = [{"question": f"What is {n}?", "answer": f"No, {n * 7}!"} for n in range(8)]
    other.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    session = start(
        "peft=full", f"dataset.validation_path={other}", "trainer.eval_steps=2",
        "trainer.guards.gap_evaluations=2", f"trainer.guards.growing_gap={action}",
        "trainer.learning_rate=3e-3", "trainer.warmup_steps=0",
        "trainer.logging_steps=2", "trainer.save_steps=100",
    )  # fmt: skip
    if action == "stop":
        said = reason(session)
    else:
        train(session)
        said = capsys.readouterr().out
    assert "validation loss moves away from training loss, 2 evaluations in a row" in said
    assert session.dir.model.exists() == (action == "warn")


def test_several_processes_stop_together_and_name_the_rows_of_the_one_that_had_them(
    poisoned: Path, start: Open, tmp_path: Path
) -> None:
    data = start().run.dataset.path
    words = [
        *SMALL, f"model={poisoned}", "hardware=cpu_2", "hardware.precision=fp32",
        f"dataset.path={data}", "trainer.per_device_train_batch_size=2",
        f"runs_dir={tmp_path / 'two'}",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "ftrecipe", *words],
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    said = next(line for line in done.stderr.splitlines() if "the loss is nan" in line)
    named = said.split("in 2 rows: rows.jsonl line ")[1].split(";")[0].split(", ")
    assert str(LINE) in named
    (folder,) = (file.parent for file in (tmp_path / "two").rglob("run.json"))
    assert read_json(folder / "status.json")["state"] == "failed"
    errors = {read_json(folder / "logs" / f"rank_{rank}.json")["error"] for rank in (0, 1)}
    assert all("the loss is nan at step" in error for error in errors)
    assert not (folder / "adapter").exists()
