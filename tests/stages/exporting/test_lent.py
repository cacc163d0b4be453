"""A model that reads its layers from the disk says bit for bit what it says in memory."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, LlamaConfig

import ftrecipe
from ftrecipe import devices
from ftrecipe.components.export import Artefact, Closeness
from ftrecipe.components.hardware import Device
from ftrecipe.stages.engines import Settings, opened
from ftrecipe.stages.exporting.merging.files import Files
from ftrecipe.stages.exporting.merging.fitting import StreamError, fitted
from ftrecipe.stages.exporting.merging.hollow import is_placeholder
from ftrecipe.stages.exporting.merging.lent import Lent
from ftrecipe.stages.exporting.room import Compute, compute

pytestmark = pytest.mark.slow

TINY = Path(ftrecipe.__file__).parent / "builtin" / "tiny"
IDS = torch.arange(3, 40).unsqueeze(0)
ADAPTERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "dora": {"use_dora": True},
    "biases": {"bias": "all"},
    "ranks": {"rank_pattern": {"q_proj": 8}, "alpha_pattern": {"q_proj": 3}},
    "embedding": {"target_modules": ["embed_tokens", "q_proj"]},
    "whole head": {"modules_to_save": ["lm_head"]},
    "tokens": {"trainable_token_indices": {"embed_tokens": [5, 7]}},
    "parameters": {"target_parameters": ["mlp.down_proj.weight"], "target_modules": ["q_proj"]},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random bfloat16 weights in several files, with tied tables."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("base")
    config = LlamaConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, vocab_size=2048, attention_bias=True, tie_word_embeddings=True,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).to(torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="200KB")
    AutoTokenizer.from_pretrained(TINY).save_pretrained(folder)
    return folder


def adapter_of(base: Path, folder: Path, **settings: Any) -> Path:
    """Save an adapter with random numbers in all that is trained."""
    asked = {"task_type": "CAUSAL_LM", "r": 4, "target_modules": ["q_proj", "down_proj"]} | settings
    tuned = get_peft_model(in_memory(base), LoraConfig(**asked))
    torch.manual_seed(1)
    for weight in (each for each in tuned.parameters() if each.requires_grad):
        weight.data += 0.05 * torch.randn_like(weight)
    tuned.save_pretrained(str(folder))
    return folder


def in_memory(base: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)


@pytest.mark.parametrize("kind", list(ADAPTERS))
@pytest.mark.filterwarnings("ignore")
def test_an_adapter_is_heard_as_in_memory(kind: str, base: Path, tmp_path: Path) -> None:
    adapter = adapter_of(base, tmp_path, **ADAPTERS[kind])
    wanted = PeftModel.from_pretrained(in_memory(base), adapter).eval()
    lent = Lent(AutoConfig.from_pretrained(base))
    found = lent.given(fitted(Files(base), lent.model), lent.with_adapter(adapter))
    with torch.no_grad():
        assert torch.equal(found(IDS).logits, wanted(IDS).logits)
        with found.disable_adapter(), wanted.disable_adapter():
            assert torch.equal(found(IDS).logits, wanted(IDS).logits)
    assert all(map(is_placeholder, found.get_base_model().model.layers[1].mlp.up_proj.parameters()))


def test_an_adapter_that_is_made_of_the_weights_is_refused(base: Path, tmp_path: Path) -> None:
    adapter = adapter_of(base, tmp_path, init_lora_weights="pissa")
    with pytest.raises(StreamError, match="PEFT"):
        Lent(AutoConfig.from_pretrained(base)).with_adapter(adapter)


@pytest.mark.parametrize("engine", ["transformers", "peft"])
def test_engines_say_the_same_from_the_disk(engine: str, base: Path, tmp_path: Path) -> None:
    folder = base
    if engine == "peft":
        folder = adapter_of(base, tmp_path)
        AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    artefact = Artefact("", engine, folder, Closeness.exact)
    said = []
    for streams in (False, True):
        with opened(artefact, Settings(streams=streams)) as one:
            said.append((one.next_logprobs([[5, 6, 7]]).tolist(), one.ends))
    assert said[0] == said[1]


def machine(dtype: str) -> Any:
    """What is asked of a run's models: one of a billion weights on a CPU."""
    model = SimpleNamespace(parameters=2**30)
    found = SimpleNamespace(device=Device.cpu)
    return SimpleNamespace(run=SimpleNamespace(model=model), dtype=dtype, found=found)


@pytest.mark.parametrize(
    ("free", "dtype", "way"),
    [
        (None, "float32", Compute("float32")),
        (5.1, "bfloat16", Compute("float32")),
        (4.9, "bfloat16", Compute("bfloat16")),
        (4.9, "float32", Compute("float32", streams=True)),
        (2.4, "bfloat16", Compute("float32", streams=True)),
    ],
)
def test_weights_stay_on_the_disk_where_the_memory_has_no_room(
    free: float | None, dtype: str, way: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "free_memory", lambda: free)
    assert compute(machine(dtype)) == way
