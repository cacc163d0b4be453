"""The plan's memory against that of real runs, and of bitsandbytes' own tensors."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from answers import ROOT

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.memory.weights import eight_bits, four_bits
from ftrecipe.needs import IMPORTS, needs

pytestmark = pytest.mark.slow

LLAMA = {"model_type": "llama", "hidden_size": 768, "intermediate_size": 2048,
         "num_hidden_layers": 14, "num_attention_heads": 12, "num_key_value_heads": 12,
         "vocab_size": 2048, "max_position_embeddings": 512, "tie_word_embeddings": True,
         }  # fmt: skip


@pytest.fixture(scope="module")
def hundred_million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 100M random weights with the embedded model's tokenizer."""
    folder = tmp_path_factory.mktemp("models") / "llama_100m"
    call = "import sys, memory; memory.write_model(*sys.argv[1:])"
    tiny = ROOT / "ftrecipe/builtin/tiny"
    words = [sys.executable, "-c", call, json.dumps(LLAMA), str(tiny), str(folder)]
    subprocess.run(words, check=True, cwd=ROOT / "benchmarks", capture_output=True, timeout=120)
    return folder


def test_a_real_runs_peak_is_the_plans(hundred_million: Path, tmp_path: Path) -> None:
    text = "The harbor is quiet at night and the lamps are lit along the wall. " * 1200
    (tmp_path / "text.jsonl").write_text(json.dumps({"text": text}) + "\n", "utf-8")
    made = plan.make(compose([
        "dataset=text", f"dataset.path={tmp_path / 'text.jsonl'}", "dataset.split.train=1",
        "dataset.split.validation=0", "dataset.split.test=0", "cleaning=[]", "eval=[]",
        f"model={hundred_million}", f"runs_dir={tmp_path}", "hardware=cpu",
        "hardware.precision=fp32", "trainer.max_steps=2", "trainer.max_length=256",
        "trainer.per_device_train_batch_size=2", "peft=lora",
    ]))  # fmt: skip
    rundir = launch.create(made)
    worker = [sys.executable, str(ROOT / "benchmarks/memory.py"), "--worker", str(rundir.path)]
    done = subprocess.run(
        [*worker, "prepare", "train"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    measured = json.loads((rundir.path / "peaks.json").read_text("utf-8"))["train"]
    needed = needs(made.run)
    assert needed is not None
    assert needed.account.peak - IMPORTS == pytest.approx(measured, rel=0.15)


def test_quantized_weights_take_what_bitsandbytes_stores() -> None:
    import torch
    from bitsandbytes.functional import int8_vectorwise_quant, quantize_4bit

    weight = torch.randn(768, 640)
    for double in (False, True):
        packed, state = quantize_4bit(weight, compress_statistics=double, quant_type="nf4")
        parts = [packed, state.absmax, state.code]
        if double:
            assert state.state2 is not None
            parts += [state.offset, state.state2.absmax, state.state2.code]
        stored = sum(part.numel() * part.element_size() for part in parts)
        assert four_bits(768, 640, double) == stored
    packed, scales, _ = int8_vectorwise_quant(weight.half())
    assert eight_bits(768, 640) == packed.numel() + scales.numel() * scales.element_size()
