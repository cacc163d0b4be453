"""The gate catches what goes wrong in exports, each fault for its own reason."""

from pathlib import Path

import pytest
import torch
from faulty import Trained, changed, without_digit_splitting
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from ftrecipe.components.export import Closeness

pytestmark = pytest.mark.slow


def merged_in_float32(run: Trained, adapter: Path, folder: Path) -> Path:
    """Merge an adapter by PEFT alone, beside tokenizer and configs of the export."""
    base = AutoModelForCausalLM.from_pretrained(run.session.models.source.source, dtype="float32")
    PeftModel.from_pretrained(base, adapter).merge_and_unload().save_pretrained(folder)
    for file in (run.session.dir.export / "merged").iterdir():
        if file.is_file() and not (folder / file.name).exists():
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_honest_exports_pass(run: Trained) -> None:
    exports = run.session.dir.export
    adapter = run.judged(exports / "adapter", "peft", Closeness.exact)
    assert (adapter["verdict"], adapter["reasons"]) == ("same", [])
    merged = run.judged(exports / "merged")
    assert (merged["verdict"], merged["reasons"]) == ("same", [])


def test_merge_in_float32_passes_as_exact(run: Trained, tmp_path: Path) -> None:
    folder = merged_in_float32(run, run.session.dir.adapter, tmp_path)
    found = run.judged(folder, closeness=Closeness.exact)
    assert (found["verdict"], found["reasons"]) == ("same", [])
    assert 0 < found["logprobs"]["max"] < 1e-4


def test_training_changed_what_the_gate_looks_at(run: Trained) -> None:
    assert run.fidelity.judged([]).verdict == "unchecked"
    base = run.copy("merged", "base")
    AutoModelForCausalLM.from_pretrained(run.session.models.source.source).save_pretrained(base)
    found = run.judged(base, closeness=Closeness.quantized)
    assert found["verdict"] == "failed"
    assert found["reasons"][0].startswith("the tune is lost")


def test_wrong_chat_template_is_named_with_its_first_difference(run: Trained) -> None:
    folder = run.copy("merged", "template")
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text("utf-8").replace("<|im_start|>", "<|im_start|> "))
    found = run.judged(folder)
    assert found["verdict"] == "failed"
    assert [reason.split(" ")[3] for reason in found["reasons"]] == ["conversations"]
    first = found["template"]["first"]
    assert (first["conversation"], first["position"]) == ("data", 1)
    assert found["greedy"]["same"] == found["greedy"]["of"]  # by ids nobody would have seen it


def test_tokenizer_without_digit_splitting_is_named_with_the_text(run: Trained) -> None:
    folder = run.copy("merged", "digits")
    changed(folder / "tokenizer.json", without_digit_splitting)
    found = run.judged(folder)
    assert found["verdict"] == "failed"
    assert "texts are tokenised otherwise" in found["reasons"][0]
    first = found["tokenization"]["first"]
    assert "19" in first["text"]
    assert first["expected"] != first["found"]


def test_one_dropped_layer_is_no_rounding(run: Trained, tmp_path: Path) -> None:
    adapter = run.copy("adapter", "dropped")
    weights = load_file(adapter / "adapter_model.safetensors")
    last = max(name.split(".layers.")[1].split(".")[0] for name in weights if ".layers." in name)
    lost = {n: torch.zeros_like(w) if f".layers.{last}." in n else w for n, w in weights.items()}
    save_file(lost, adapter / "adapter_model.safetensors", metadata={"format": "pt"})
    found = run.judged(merged_in_float32(run, adapter, tmp_path / "merged"))
    assert found["verdict"] == "failed"
    assert any(reason.startswith("logprobs") for reason in found["reasons"])


def test_missing_end_token_fails_since_answers_go_on(run: Trained) -> None:
    folder = run.copy("merged", "ends")
    changed(folder / "generation_config.json", lambda told: told.update(eos_token_id=0))
    found = run.judged(folder)
    assert found["verdict"] == "failed"
    assert found["ends"]["lost"] == ["<|im_end|>"]
    assert any("go on here" in reason for reason in found["reasons"])


def test_swapped_rows_of_attention_fail(run: Trained) -> None:
    folder = run.copy("merged", "swapped")
    file = folder / "model.safetensors"
    weights = load_file(file)
    name = "model.layers.0.self_attn.q_proj.weight"
    rows = weights[name]
    heads = run.session.models.config.num_attention_heads
    turned = rows.reshape(heads, 2, -1, rows.shape[1]).transpose(1, 2).reshape(rows.shape)
    save_file(weights | {name: turned.contiguous()}, file, metadata={"format": "pt"})
    assert run.judged(folder)["verdict"] == "failed"


def test_file_that_cannot_be_loaded_fails_with_the_reason(run: Trained) -> None:
    folder = run.copy("merged", "cut")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    found = run.judged(folder)
    assert found["verdict"] == "failed"
    assert "cannot be loaded" in found["reasons"][0]
