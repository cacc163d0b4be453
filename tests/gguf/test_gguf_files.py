"""What stands in a GGUF file, read back by ggml-org's library; no model is run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGUFReader, dequantize
from small_models import described, random_model, silent, tiny_tokenizer, written

from ftrecipe.errors import ConfigError
from ftrecipe.gguf.write import AT_ONCE, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


@pytest.fixture
def model() -> Any:
    return random_model("llama", tie_word_embeddings=True)


def fields(file: Path) -> dict[str, Any]:
    """Return what a file says of itself."""
    return {name: field.contents() for name, field in GGUFReader(file).fields.items()}


def tensors(file: Path) -> dict[str, Any]:
    """Return its tensors by name."""
    return {tensor.name: tensor for tensor in GGUFReader(file).tensors}


def test_one_pass_writes_all_types(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    files = {kind: tmp_path / f"{kind}.gguf" for kind in ("f16", "bf16", "q8_0")}
    reads: list[str] = []
    asked = described(model, tokenizer)
    read = asked.stored.read
    asked.stored.read = lambda name: [reads.append(name), read(name)][1]  # type: ignore[method-assign]
    write(asked, files, silent)
    assert sorted(reads) == sorted(set(reads))
    wanted = asked.stored.read("model.layers.1.mlp.down_proj.weight").numpy()
    off = {}
    for kind, file in files.items():
        found = tensors(file)["blk.1.ffn_down.weight"]
        numbers = dequantize(found.data, found.tensor_type).reshape(wanted.shape)
        off[kind] = float(np.abs(numbers - wanted).max() / np.abs(wanted).max())
    assert off["f16"] < 2**-11
    assert off["bf16"] < 2**-8
    assert 0 < off["q8_0"] < 1 / 127
    assert {kind: fields(file)["general.file_type"] for kind, file in files.items()} == {
        "f16": 1, "bf16": 32, "q8_0": 7,
    }  # fmt: skip


def test_norms_and_biases_are_kept_in_32_bits(tokenizer: Any, tmp_path: Path) -> None:
    model = random_model("qwen2")
    found = tensors(written(described(model, tokenizer), tmp_path, "q8_0"))
    kept = {name for name, tensor in found.items() if tensor.tensor_type.name == "F32"}
    assert kept == {name for name in found if name.endswith("bias") or "norm" in name}


def test_bf16_weights_are_kept_bit_for_bit(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    model = model.to(torch.bfloat16)
    found = tensors(written(described(model, tokenizer), tmp_path, "bf16"))["token_embd.weight"]
    bits = model.model.embed_tokens.weight.detach().view(torch.int16).numpy()
    assert (found.data.view(np.int16).reshape(bits.shape) == bits).all()


def test_rows_that_make_no_blocks_are_kept_in_half_precision(
    tokenizer: Any, tmp_path: Path
) -> None:
    model = random_model("llama", intermediate_size=88)
    found = tensors(written(described(model, tokenizer), tmp_path, "q8_0"))
    assert found["blk.0.ffn_down.weight"].tensor_type.name == "F16"
    assert found["blk.0.ffn_up.weight"].tensor_type.name == "Q8_0"


def test_a_tensor_longer_than_what_is_converted_at_once_is_whole(
    model: Any, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = written(described(model, tokenizer), tmp_path, "q8_0").read_bytes()
    monkeypatch.setattr("ftrecipe.gguf.write.AT_ONCE", 100)
    (tmp_path / "small-q8_0.gguf").unlink()
    assert AT_ONCE > 100
    assert written(described(model, tokenizer), tmp_path, "q8_0").read_bytes() == whole


def test_numbers_beyond_f16_are_refused_with_what_holds_them(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    model.model.layers[1].mlp.up_proj.weight.data[3, 5] = -70000.0
    asked = described(model, tokenizer)
    with pytest.raises(ConfigError, match=r"f16: model\.layers\.1\.mlp\.up_proj.* 70000.*bf16"):
        written(asked, tmp_path)
    found = tensors(written(asked, tmp_path, "bf16"))["blk.1.ffn_up.weight"]
    assert dequantize(found.data, found.tensor_type).min() < -69000


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(
    value: float, model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    model.model.norm.weight.data[0] = value
    with pytest.raises(ConfigError, match=r"model\.norm\.weight holds infinities or"):
        written(described(model, tokenizer), tmp_path, "bf16")


def test_a_missing_and_a_strange_tensor_are_told_together(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    asked = described(model, tokenizer)
    kept = asked.stored.tensors  # type: ignore[attr-defined]
    del kept["model.layers.0.mlp.up_proj.weight"]
    kept["model.layers.0.mlp.experts.weight"] = torch.zeros(2)
    kept["model.norm.weight"] = torch.zeros(3)
    with pytest.raises(ConfigError) as told:
        written(asked, tmp_path)
    lack, place, shape = told.value.faults
    assert "lack model.layers.0.mlp.up_proj.weight" in lack
    assert "no place for model.layers.0.mlp.experts.weight" in place
    assert "model.norm.weight is [3], not [64]" in shape
    assert list(tmp_path.iterdir()) == []


def test_a_file_says_what_it_is(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    said = fields(written(described(model, tokenizer, ends=[3, 0]), tmp_path))
    assert said["general.architecture"] == "llama"
    assert (said["general.name"], said["general.license"]) == ("small", "apache-2.0")
    assert said["general.base_model.0.repo_url"] == "https://huggingface.co/org/small-base"
    assert said["general.size_label"] == "193K"
    assert said["llama.attention.head_count_kv"] == 2
    assert said["llama.context_length"] == 512
    assert said["tokenizer.ggml.pre"] == "smollm"
    assert said["tokenizer.chat_template"] == tokenizer.chat_template
    ids = [said[f"tokenizer.ggml.{name}_token_id"] for name in ("eos", "eot", "padding")]
    assert ids == [3, 0, 1]
    assert said["tokenizer.ggml.add_bos_token"] is False
    assert not [name for name in said if name.startswith("general.sampling")]


@pytest.mark.parametrize("tied", [True, False])
def test_a_tied_head_is_left_out_and_one_of_its_own_is_not(
    tied: bool, tokenizer: Any, tmp_path: Path
) -> None:
    model = random_model("qwen2", tie_word_embeddings=tied)
    found = tensors(written(described(model, tokenizer), tmp_path))
    assert ("output.weight" not in found) == tied


def test_the_context_ends_with_the_window(tokenizer: Any, tmp_path: Path) -> None:
    windowed = random_model("mistral", sliding_window=128)
    assert fields(written(described(windowed, tokenizer), tmp_path))["llama.context_length"] == 128


def test_a_head_that_was_trained_apart_is_written(
    model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    asked = described(model, tokenizer)
    asked.stored.tensors["lm_head.weight"] = torch.ones(2048, 64)  # type: ignore[attr-defined]
    assert "output.weight" in tensors(written(asked, tmp_path))


@pytest.mark.parametrize("ends", [[], [0, 1, 2, 3]])
def test_none_and_too_many_ends_of_an_answer_are_refused(
    ends: list[int], model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"{len(ends)} tokens end an answer"):
        written(described(model, tokenizer, ends=ends), tmp_path)
