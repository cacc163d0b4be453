"""What llama.cpp computes from a file is what transformers computes from the model."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from small_models import NEAR, described, furthest, random_model, tiny_tokenizer, written

from ftrecipe.gguf import families

IDS = [2, 17, 402, 99, 1203, 640, 640, 5, 77, 1999, 801, 33] * 3

LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
}  # fmt: skip
YARN = {
    "rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0,
    "original_max_position_embeddings": 128,
}  # fmt: skip
LINEAR = {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {"tie_word_embeddings": False}),
    "llama, tied, biases": (
        "llama", {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True}),
    "llama, wide heads": ("llama", {"head_dim": 32, "rope_parameters": LLAMA3}),
    "llama, linear": ("llama", {"rope_parameters": LINEAR}),
    "llama, yarn": ("llama", {"rope_parameters": YARN}),
    "mistral": ("mistral", {"head_dim": 24, "sliding_window": 256}),
    "qwen2": ("qwen2", {"tie_word_embeddings": True}),
    "qwen2, yarn": ("qwen2", {"rope_parameters": YARN, "tie_word_embeddings": False}),
    "qwen3": ("qwen3", {"head_dim": 32, "tie_word_embeddings": True}),
    "smollm3": ("smollm3", {"num_hidden_layers": 5}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_f16_has_the_log_probabilities_of_the_model(name: str, tmp_path: Path) -> None:
    model_type, changed = MODELS[name]
    model = random_model(model_type, **changed)
    file = written(described(model, tiny_tokenizer()), tmp_path)
    assert furthest(model, file, IDS) < NEAR
    assert furthest(model, file, IDS * 6) < NEAR  # beyond what positions were before stretching


@pytest.mark.slow
def test_rows_left_as_transformers_has_them_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_is = dataclasses.replace(families.FAMILIES["llama"], interleaved=False)
    monkeypatch.setitem(families.FAMILIES, "llama", as_is)
    model = random_model("llama")
    file = written(described(model, tiny_tokenizer()), tmp_path)
    assert furthest(model, file, IDS) > 10 * NEAR
