"""The numbers that a method is said to train are those that require a gradient when attached."""

import warnings
from functools import cache
from typing import Any

import pytest
import torch
from architectures import CONFIGS
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from ftrecipe.components.peft import Peft
from ftrecipe.config import GROUPS
from ftrecipe.memory.architecture import Architecture, read

pytestmark = pytest.mark.slow

BASE: dict[str, Any] = {
    "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
    "vocab_size": 120, "intermediate_size": 96, "max_position_embeddings": 64,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
}  # fmt: skip
MODELS: dict[str, dict[str, Any]] = {
    "llama": BASE | {"model_type": "llama", "attention_bias": True},
    "tied": BASE | {"model_type": "qwen3", "head_dim": 24, "tie_word_embeddings": True},
    "gpt2": {
        "model_type": "gpt2", "n_embd": 64, "n_layer": 3, "n_head": 4, "vocab_size": 120,
        "n_positions": 64, "bos_token_id": 1, "eos_token_id": 2,
    },
    "experts": BASE | {
        "model_type": "qwen3_moe", "num_experts": 4, "num_experts_per_tok": 2,
        "moe_intermediate_size": 32, "mlp_only_layers": [0],
    },
    "vision": {
        "model_type": "gemma3", "mm_tokens_per_image": 1,
        "text_config": BASE | {"head_dim": 24, "tie_word_embeddings": True},
        "vision_config": {
            "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
            "num_attention_heads": 4, "image_size": 28, "patch_size": 14, "vision_use_head": False,
        },
    },
}  # fmt: skip
METHODS = GROUPS["peft"]
CASES: list[tuple[str, dict[str, Any]]] = [
    ("lora", {}),
    ("lora", {"r": 3, "target_modules": ["q_proj", "v_proj"]}),
    ("lora", {"target_modules": ["layers.1.mlp.gate_proj", "self_attn.o_proj"]}),
    ("lora", {"target_modules": ["embed_tokens", "q_proj"]}),
    ("lora", {"extra": {"modules_to_save": ["embed_tokens"]}}),
    ("lora", {"extra": {"modules_to_save": ["norm"]}}),
    ("lora", {"extra": {"modules_to_save": ["layers.2.mlp"]}}),
    ("lora", {"extra": {"bias": "all"}}),
    ("lora", {"extra": {"bias": "lora_only"}}),
    ("lora", {"extra": {"exclude_modules": ["k_proj", "layers.0.mlp.down_proj"]}}),
    ("lora", {"extra": {"exclude_modules": ".*mlp.*"}}),
    ("lora", {"extra": {"rank_pattern": {"q_proj": 2, "layers.1.mlp.down_proj": 5}}}),
    ("lora", {"extra": {"layers_to_transform": [0, 2]}, "target_modules": ["q_proj"]}),
    ("lora", {"extra": {"layers_to_transform": 1, "layers_pattern": "layers"},
              "target_modules": ["q_proj", "up_proj"]}),
    ("dora", {}),
    ("dora", {"target_modules": ["q_proj", "down_proj"]}),
    ("rslora", {"r": 5}),
    ("pissa", {"r": 4}),
    ("adalora", {}),
    ("adalora", {"init_r": 5, "target_r": 2, "extra": {"modules_to_save": ["lm_head"]}}),
    ("ia3", {}),
    ("ia3", {"target_modules": ["q_proj", "up_proj"], "feedforward_modules": ["up_proj"]}),
    ("vera", {"r": 8}),
    ("oft", {}),
    ("oft", {"block_size": 7}),
    ("oft", {"block_size": 100}),
    ("oft", {"extra": {"block_share": True}}),
    ("prompt_tuning", {}),
    ("prefix_tuning", {"num_virtual_tokens": 7}),
    ("prefix_tuning", {"projection": True}),
    ("prefix_tuning", {"projection": True, "extra": {"encoder_hidden_size": 10}}),
    ("p_tuning", {}),
    ("p_tuning", {"encoder_hidden_size": 30}),
    ("freeze", {}),
    ("freeze", {"last_layers": 3}),
    ("freeze", {"modules": ["q_proj", "layers.0.mlp"]}),
    ("freeze", {"modules": ["embed_tokens", "lm_head", "norm"]}),
    ("full", {}),
]  # fmt: skip
GPT_2 = [
    ("lora", {}), ("lora", {"target_modules": ["c_attn", "mlp.c_proj"]}), ("dora", {}),
    ("adalora", {}), ("lora", {"extra": {"modules_to_save": ["wte"]}}), ("full", {}),
    ("ia3", {"target_modules": ["c_attn", "mlp.c_proj"], "feedforward_modules": ["mlp.c_proj"]}),
    ("freeze", {}), ("prefix_tuning", {}), ("prompt_tuning", {}), ("p_tuning", {}),
]  # fmt: skip
ONE_HALF = [
    ("lora", {"target_modules": ["layers.1.mlp.gate_proj", "self_attn.o_proj"]}),
    ("lora", {"extra": {"layers_to_transform": 1, "layers_pattern": "layers"},
              "target_modules": ["q_proj", "up_proj"]}),
]  # fmt: skip
OF_EXPERTS = [
    *ONE_HALF, ("dora", {}), ("dora", {"target_modules": ["q_proj", "down_proj"]}),
    ("pissa", {"r": 4}), ("lora", {"dropout": 0.1}),
]  # fmt: skip
EVERY = [
    (model, method, fields)
    for model in MODELS
    for method, fields in (GPT_2 if model == "gpt2" else CASES)
    if model != "experts" or (method, fields) not in OF_EXPERTS
]
FAMILIES = {config["model_type"]: config for config in reversed(CONFIGS)}


@cache
def config(model: str) -> Any:
    return AutoConfig.for_model(**MODELS[model])


def real(model: str) -> PreTrainedModel:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config(model))


def told(model: str) -> Architecture:
    found = read(MODELS[model])
    assert found is not None
    return found


def called(value: Any) -> str:
    return ",".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value


def attached(option: Peft, model: str, new_tokens: list[int]) -> int:
    """How many numbers require a gradient after the method is attached."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = option.attach(real(model), 10, new_tokens)
    return sum(weight.numel() for weight in ready.parameters() if weight.requires_grad)


@pytest.mark.parametrize(("model", "method", "fields"), EVERY, ids=called)
def test_what_is_trained_is_what_was_told(model: str, method: str, fields: dict[str, Any]) -> None:
    option = METHODS.get(method)(**fields)
    assert option.trainable(told(model)) == attached(option, model, [])


@pytest.mark.parametrize(("method", "fields"), OF_EXPERTS, ids=called)
def test_what_peft_refuses_of_experts_was_told(method: str, fields: dict[str, Any]) -> None:
    option = METHODS.get(method)(**fields)
    assert list(option.faults(told("experts")))
    with pytest.raises((ValueError, AttributeError)):
        attached(option, "experts", [])


@pytest.mark.parametrize("family", FAMILIES)
def test_lora_on_all_layers_is_counted_in_every_family(family: str) -> None:
    architecture, option = read(FAMILIES[family]), METHODS.get("lora")(r=3)
    assert architecture is not None
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**FAMILIES[family]))
    tuned = option.attach(model, 10, [])
    trained = sum(weight.numel() for weight in tuned.parameters() if weight.requires_grad)
    assert option.trainable(architecture) == trained


@pytest.mark.parametrize(
    ("model", "method"),
    [
        (model, method)
        for model in MODELS
        for method, kind in METHODS.classes.items()
        if kind.trains_tokens and (model, method) != ("experts", "dora")  # which PEFT refuses
    ],
)
def test_rows_of_added_tokens_are_counted(model: str, method: str) -> None:
    option = METHODS.get(method)()
    assert option.trainable(told(model), 3) == attached(option, model, [5, 6, 9])


def test_every_method_says_what_it_trains() -> None:
    assert {method for method, _ in CASES} == set(METHODS.classes)


def test_veras_random_matrices_are_what_it_holds_and_does_not_train() -> None:
    option = METHODS.get("vera")(r=8)
    tuned = option.attach(real("llama"), 10, [])
    held = {b.data_ptr(): b.numel() for n, b in tuned.named_buffers() if ".vera_" in n}
    assert option.untrained(told("llama")) == sum(held.values())
