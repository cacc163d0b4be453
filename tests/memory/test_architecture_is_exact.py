"""What a config.json says a model is made of is what transformers, bitsandbytes and PEFT find."""

import importlib.util
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
import torch
from architectures import CONFIGS, called
from peft import LoraConfig
from peft.tuners.tuners_utils import _maybe_include_all_linear_layers
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel
from transformers.integrations import replace_with_bnb_linear
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.base import get_keys_to_not_convert

from ftrecipe.components.model.facts import facts
from ftrecipe.memory.architecture import Architecture, read
from ftrecipe.memory.numbers import DEFAULTS
from ftrecipe.memory.parts import Module

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_architecture_defaults.py"

EVERY = pytest.mark.parametrize("number", range(len(CONFIGS)), ids=map(called, CONFIGS))


@cache
def real(number: int) -> PreTrainedModel:
    """The model that transformers makes of a config, without weights."""
    config = dict(CONFIGS[number])
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(AutoConfig.for_model(**config))


def told(number: int) -> Architecture:
    found = read(CONFIGS[number])
    assert found is not None
    return found


def names(modules: Iterable[Module]) -> set[str]:
    return {path for module in modules for path in module.paths}


def shapes(model: PreTrainedModel) -> dict[str, tuple[int, ...]]:
    """Every parameter's shape; GPT-2's matrices the usual way round."""
    turned = {name for name, module in model.named_modules() if isinstance(module, Conv1D)}
    return {
        name: tuple(w.T.shape if name.removesuffix(".weight") in turned else w.shape)
        for name, w in model.named_parameters()
    }


@EVERY
def test_every_tensor_has_the_name_and_shape_that_was_told(number: int) -> None:
    assert told(number).tensors == shapes(real(number))


@EVERY
def test_parameters_are_counted_as_transformers_counts_them(number: int) -> None:
    assert told(number).parameters == sum(w.numel() for w in real(number).parameters())


@EVERY
def test_all_linear_targets_what_was_told(number: int) -> None:
    config = _maybe_include_all_linear_layers(
        LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM"), real(number)
    )
    assert names(told(number).linears) == set(config.target_modules)


@EVERY
def test_bitsandbytes_replaces_what_was_told(number: int) -> None:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**CONFIGS[number]))
    kept = get_keys_to_not_convert(model)
    replaced = replace_with_bnb_linear(model, kept, BitsAndBytesConfig(load_in_4bit=True))
    found = {n for n, m in replaced.named_modules() if type(m).__name__ == "Linear4bit"}
    architecture = told(number)
    assert found == names(m for m in architecture.linears if m.quantizes)


@EVERY
def test_numbers_are_those_of_the_text_config(number: int) -> None:
    architecture, config = told(number), real(number).config.get_text_config()
    said = (architecture.layers, architecture.hidden, architecture.vocabulary, architecture.heads)
    assert said == (
        config.num_hidden_layers, config.hidden_size, config.vocab_size,
        config.num_attention_heads,
    )  # fmt: skip


@EVERY
def test_sliding_layers_are_those_that_transformers_masks(number: int) -> None:
    architecture, config = told(number), real(number).config.get_text_config()
    types = getattr(config, "layer_types", None)
    window = getattr(config, "sliding_window", None)
    everywhere = architecture.layers if window else 0
    expected = types.count("sliding_attention") if types else everywhere
    assert architecture.sliding_layers == expected
    assert architecture.sliding_window == (window if expected else None)


@pytest.mark.parametrize("hub_id", facts())
def test_a_named_models_facts_make_the_published_count_in_transformers(hub_id: str) -> None:
    known = facts()[hub_id]
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**known["config"]))
    assert known["parameters"] == sum(weight.numel() for weight in model.parameters())


def test_the_table_of_defaults_is_what_the_script_would_write() -> None:
    spec = importlib.util.spec_from_file_location("make_architecture_defaults", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert json.loads(DEFAULTS.read_text("utf-8")) == script.table()
