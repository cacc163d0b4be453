"""The streaming merge: every method's own numbers, tied and grown tables, one layer at a time."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, LlamaConfig, Qwen2Config

from ftrecipe.components.export import Weights
from ftrecipe.components.peft import GROUP
from ftrecipe.compose import compose
from ftrecipe.errors import listed
from ftrecipe.stages.exporting.merging.adapted import Adapted
from ftrecipe.stages.exporting.merging.files import Files
from ftrecipe.stages.exporting.merging.fitting import StreamError, fitted
from ftrecipe.stages.exporting.merging.hollow import shaped, skeleton
from ftrecipe.stages.exporting.merging.quantized import Dequantized
from ftrecipe.stages.exporting.merging.whole import InMemory

pytestmark = pytest.mark.slow

SMALL = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "vocab_size": 96,
    "num_attention_heads": 4, "num_key_value_heads": 2,
}  # fmt: skip
CAUSAL = {"task_type": "CAUSAL_LM", "r": 4}
KINDS = {
    "llama": LlamaConfig(**SMALL, tie_word_embeddings=False),
    "llama_tied": LlamaConfig(**SMALL, tie_word_embeddings=True),
    "qwen2": Qwen2Config(**SMALL, tie_word_embeddings=True),
}
METHODS = [
    name
    for name, kind in GROUP.classes.items()
    if kind.mergeable and not kind.trains_base and not kind.mutates_base
]
IDS = torch.arange(3, 40).unsqueeze(0)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Models of random bfloat16 weights, each in several files."""
    torch.manual_seed(0)
    made = {}
    for name, config in KINDS.items():
        made[name] = tmp_path_factory.mktemp(name)
        model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
        for bias in (each for key, each in model.named_parameters() if key.endswith("bias")):
            torch.nn.init.normal_(bias)
        model.save_pretrained(made[name], max_shard_size="100KB")
    return made


def loaded(folder: Path, tokens: int | None = None) -> Any:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if tokens:
        model.resize_token_embeddings(tokens, mean_resizing=False)
    return model


def shaken(tuned: Any, folder: Path) -> Path:
    """Save an adapter with random numbers in all that is trained."""
    torch.manual_seed(1)
    for weight in (each for each in tuned.parameters() if each.requires_grad):
        weight.data += 0.05 * torch.randn_like(weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuned.save_pretrained(folder)
    return folder


def lora(folder: Path, base: Path, tokens: int | None = None, **settings: Any) -> Path:
    config = LoraConfig(**({"target_modules": ["q_proj", "down_proj"]} | CAUSAL | settings))
    return shaken(get_peft_model(loaded(base, tokens), config), folder)


def streamed(base: Path, *adapters: Path, tokens: int | None = None) -> Adapted:
    config = AutoConfig.from_pretrained(base)
    source: Weights = fitted(Files(base), skeleton(config, tokens))
    for adapter in adapters:
        source = Adapted(source, skeleton(config, tokens), adapter)
    assert isinstance(source, Adapted)
    return source


def built(weights: Adapted, base: Path, tokens: int | None = None) -> Any:
    """Return a model with the merged weights and the config that goes with them."""
    config = shaped(AutoConfig.from_pretrained(base), tokens, weights.tied)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    told = model.load_state_dict({n: weights.read(n).float() for n in weights.names}, strict=False)
    assert set(told.missing_keys) <= set(model.all_tied_weights_keys)
    assert told.unexpected_keys == []
    return model.eval()


def says_what_peft_says(weights: Adapted, base: Path, adapter: Path) -> None:
    """Compare logits of the merged model with those of PEFT's layers beside the base."""
    with torch.no_grad():
        beside = PeftModel.from_pretrained(loaded(base), adapter).eval()(IDS).logits
        torch.testing.assert_close(built(weights, base)(IDS).logits, beside, atol=2e-4, rtol=0)


def same_as_pefts(weights: Adapted, merged: Any) -> None:
    """Compare each tensor with PEFT's merge_and_unload in float32, read twice."""
    wanted = merged.state_dict()
    for _ in range(2):
        for name in weights.names:
            found = weights.read(name)
            assert tuple(found.shape) == weights.shape(name)
            torch.testing.assert_close(found.float(), wanted[name], atol=1e-6, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_merged_as_peft_merges_it(
    method: str, bases: dict[str, Path], tmp_path: Path
) -> None:
    asked = compose([f"peft={method}", "export=[]"]).run.peft
    adapter = shaken(asked.attach(loaded(bases["qwen2"]), 10, []), tmp_path)
    weights = streamed(bases["qwen2"], adapter)
    changed = [name for name in weights.names if weights.read(name).dtype == torch.float32]
    merged: Any = PeftModel.from_pretrained(loaded(bases["qwen2"]), adapter).merge_and_unload()
    assert changed
    assert weights.tied
    same_as_pefts(weights, merged)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("bias", ["all", "lora_only"])
def test_trained_biases_are_merged(
    kind: str, bias: str, bases: dict[str, Path], tmp_path: Path
) -> None:
    adapter = lora(tmp_path, bases[kind], bias=bias)
    merged: Any = PeftModel.from_pretrained(loaded(bases[kind]), adapter).merge_and_unload()
    same_as_pefts(streamed(bases[kind], adapter), merged)


def test_untouched_tensors_are_given_as_they_are_stored(
    bases: dict[str, Path], tmp_path: Path
) -> None:
    weights, files = streamed(bases["llama"], lora(tmp_path, bases["llama"])), Files(bases["llama"])
    untouched = "model.layers.0.mlp.up_proj.weight"
    assert weights.read(untouched).dtype == torch.bfloat16
    assert torch.equal(weights.read(untouched), files.read(untouched))
    assert weights.names == files.names


@pytest.mark.parametrize("module", ["lm_head", "embed_tokens"])
def test_a_table_of_words_that_is_trained_alone_is_tied_no_longer(
    module: str, bases: dict[str, Path], tmp_path: Path
) -> None:
    base = bases["llama_tied"]
    adapter = lora(tmp_path, base, modules_to_save=[module])
    weights = streamed(base, adapter)
    assert not weights.tied
    assert {"lm_head.weight", "model.embed_tokens.weight"} <= set(weights.names)
    says_what_peft_says(weights, base, adapter)


def test_an_adapted_embedding_leaves_the_tied_head_alone(
    bases: dict[str, Path], tmp_path: Path
) -> None:
    base = bases["llama_tied"]
    adapter = lora(tmp_path, base, target_modules=["embed_tokens", "q_proj"])
    weights = streamed(base, adapter)
    assert not weights.tied
    says_what_peft_says(weights, base, adapter)


def test_trained_tokens_keep_the_tables_tied(bases: dict[str, Path], tmp_path: Path) -> None:
    base = bases["llama_tied"]
    adapter = lora(tmp_path, base, trainable_token_indices={"embed_tokens": [5, 7]})
    weights = streamed(base, adapter)
    assert weights.tied
    assert "lm_head.weight" not in weights.names
    says_what_peft_says(weights, base, adapter)


@pytest.mark.parametrize("kind", ["llama", "llama_tied"])
def test_rows_of_added_tokens_are_there(kind: str, bases: dict[str, Path], tmp_path: Path) -> None:
    rows = {"embed_tokens": [96, 97]} | ({"lm_head": [96, 97]} if kind == "llama" else {})
    adapter = lora(tmp_path, bases[kind], 98, trainable_token_indices=rows)
    weights = streamed(bases[kind], adapter, tokens=98)
    merged: Any = PeftModel.from_pretrained(loaded(bases[kind], 98), adapter).merge_and_unload()
    same_as_pefts(weights, merged)
    assert built(weights, bases[kind], 98).config.vocab_size == 98


def test_an_earlier_adapter_is_merged_first(bases: dict[str, Path], tmp_path: Path) -> None:
    first = lora(tmp_path / "first", bases["qwen2"])
    second = lora(tmp_path / "second", bases["qwen2"], use_dora=True)
    below: Any = PeftModel.from_pretrained(loaded(bases["qwen2"]), first).merge_and_unload()
    merged: Any = PeftModel.from_pretrained(below, second).merge_and_unload()
    same_as_pefts(streamed(bases["qwen2"], first, second), merged)


def test_an_adapter_that_is_made_of_the_weights_cannot_be_streamed(
    bases: dict[str, Path], tmp_path: Path
) -> None:
    adapter = lora(tmp_path, bases["llama"], init_lora_weights="pissa")
    with pytest.raises(StreamError, match="PEFT"):
        streamed(bases["llama"], adapter)


def test_files_with_other_names_than_the_model_cannot_be_streamed(
    bases: dict[str, Path], tmp_path: Path
) -> None:
    from transformers import MixtralConfig

    config = MixtralConfig(**SMALL, num_local_experts=2)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(StreamError, match="otherwise than the model"):
        fitted(Files(tmp_path), skeleton(AutoConfig.from_pretrained(tmp_path), None))


def test_weights_of_a_model_in_memory_have_the_names_that_are_stored(tmp_path: Path) -> None:
    from transformers import MixtralConfig

    config = MixtralConfig(**SMALL, num_local_experts=2)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    whole, files = InMemory(loaded(tmp_path), "bfloat16"), Files(tmp_path)
    assert sorted(whole.names) == sorted(files.names)
    assert all(torch.equal(whole.read(name), files.read(name)) for name in files.names)
    assert {whole.dtype(name) for name in whole.names} == {"bfloat16"}


@pytest.mark.parametrize("words", ["nf4", "fp4", "int8"])
def test_dequantized_weights_are_those_of_the_quantized_model(
    words: str, bases: dict[str, Path]
) -> None:
    from transformers.integrations.bitsandbytes import dequantize_bnb_weight

    quantization = compose([f"quantization={words}", "export=[]"]).run.quantization.build("float32")
    assert quantization is not None
    model = AutoModelForCausalLM.from_pretrained(
        bases["llama"], dtype=torch.float32, quantization_config=quantization
    )
    source = Files(bases["llama"])
    plain = skeleton(AutoConfig.from_pretrained(bases["llama"]), None)
    found = Dequantized(source, quantization, plain)
    rounded = []
    for path, module in model.named_modules():
        if type(module).__name__ in ("Linear4bit", "Linear8bitLt"):
            state = vars(module).get("state")
            wanted = dequantize_bnb_weight(module.weight, state).float()
            torch.testing.assert_close(found.read(f"{path}.weight"), wanted, atol=0, rtol=0)
            rounded.append(f"{path}.weight")
    others = set(source.names) - set(rounded)
    assert len(rounded) == 14, listed(rounded)
    assert all(torch.equal(found.read(name), source.read(name)) for name in others)
