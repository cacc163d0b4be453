"""lm-eval's own command and the suite `lm_eval` give the same numbers, to the last digit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from harness_tasks import TASKS, write_tasks
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from ftrecipe.components.eval.lm_eval import LmEval
from ftrecipe.data.files.locate import packaged_file
from ftrecipe.errors import StageError
from ftrecipe.stages.measuring.first_batch import FirstBatch, try_first_batch
from ftrecipe.stages.measuring.measure import Subject

pytest.importorskip("lm_eval")
pytestmark = pytest.mark.slow

TINY = str(packaged_file("builtin:tiny"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_tasks(tmp_path_factory.mktemp("harness") / "tasks")


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(TINY)


def base():
    return AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory) -> Path:
    """A tune that says other things than its base."""
    torch.manual_seed(0)
    config = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear")
    tuned = get_peft_model(base(), config)
    for name, weight in tuned.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.1)
    place = tmp_path_factory.mktemp("tuned")
    tuned.save_pretrained(place)
    return place


def command(folder: Path, out: Path, more: str = "", *words: str) -> dict[str, float]:
    """Return what lm-eval's own command says."""
    model = f"pretrained={TINY},dtype=float32{more}"
    subprocess.run(
        [sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", model, "--tasks",
         ",".join(TASKS), "--include_path", str(folder), "--device", "cpu", "--batch_size", "8",
         "--output_path", str(out), *words],
        check=True, capture_output=True, timeout=300, env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    (file,) = out.rglob("results*.json")
    told = json.loads(file.read_text("utf-8"))["results"]
    return {
        f"{key.partition(',')[0]}.{task}": value
        for task, metrics in told.items()
        for key, value in metrics.items()
        if "," in key and "_stderr" not in key
    }


def ours(folder: Path, model, tokenizer, **more) -> dict[str, float]:
    suite = LmEval(tasks=TASKS, include_path=str(folder), **more)
    found = suite.measure(Subject(model, tokenizer, None)).metrics  # type: ignore[arg-type]
    return {name: value for name, value in found.items() if name != "score"}


def test_the_command_says_the_same_of_the_base(folder, tokenizer, tmp_path):
    theirs = command(folder, tmp_path, "", "--limit", "9", "--num_fewshot", "1")
    assert ours(folder, base(), tokenizer, max_samples=9, num_fewshot=1) == theirs
    assert len(theirs) == 5
    assert theirs["acc.next_number"] > 0


def test_the_command_says_the_same_of_the_tuned_model(folder, adapter, tokenizer, tmp_path):
    tuned = PeftModel.from_pretrained(base(), adapter)
    theirs = command(folder, tmp_path, f",peft={adapter}", "--apply_chat_template")
    mine = ours(folder, tuned, tokenizer, apply_chat_template=True)
    assert mine == theirs
    assert mine != ours(folder, base(), tokenizer, apply_chat_template=True)


def test_the_model_and_the_dice_are_left_as_they_were(folder, tokenizer):
    model = base().train()
    model.config.use_cache = False
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    padding = tokenizer.pad_token, tokenizer.padding_side
    ours(folder, model, tokenizer)
    assert torch.equal(torch.rand(3), expected)
    assert model.training
    assert (tokenizer.pad_token, tokenizer.padding_side) == padding
    assert model(input_ids=torch.tensor([[5, 6, 7]])).logits.requires_grad


def test_a_row_has_the_question_the_answer_and_the_metrics_that_are_means(folder, tokenizer):
    suite = LmEval(tasks=TASKS, include_path=str(folder))
    found = suite.measure(Subject(base(), tokenizer, None))  # type: ignore[arg-type]
    assert len(found.rows) == 30
    assert found.rows[0]["where"] == "next_number, example 1"
    assert found.rows[0]["question"] == "After one comes"
    assert list(found.rows[0]["metrics"]) == ["acc.next_number", "acc_norm.next_number"]
    assert list(found.rows[-1]["metrics"]) == ["acc.likely_number"]
    again = suite.result(found.rows).metrics
    assert again == {name: found.metrics[name] for name in again}


def test_a_rehearsal_asks_the_harness_nothing(folder, tokenizer):
    suite = LmEval(tasks=TASKS, include_path=str(folder))
    try_first_batch(suite, FirstBatch(base(), tokenizer, None))  # type: ignore[arg-type]


def test_what_the_harness_refuses_is_told_in_words(folder):
    class Refusing:
        def harness(self, asked, batch_size):
            raise StageError("eval.lm_eval: the harness says: no")

    with pytest.raises(StageError, match="the harness says"):
        LmEval(tasks=TASKS, include_path=str(folder)).measure(Refusing())  # type: ignore[arg-type]
