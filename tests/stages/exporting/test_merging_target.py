"""The target `merged` as a folder: what transformers loads of it, its types and end tokens."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

import ftrecipe
from ftrecipe.components.export import Closeness
from ftrecipe.components.export.merged import Dtype, Merged
from ftrecipe.stages.exporting.answering import with_ends
from ftrecipe.stages.exporting.magnitudes import largest
from ftrecipe.stages.exporting.merging.files import Files

pytestmark = pytest.mark.slow

TINY = Path(ftrecipe.__file__).parent / "builtin" / "tiny"


class Standing:
    """What the target asks of a tuned model: the tiny model, moved a little."""

    def __init__(self, fits: bool = True, dtype: str = "bfloat16") -> None:
        self.weights, self.fits_float16, self.dtype = Moved(TINY), fits, dtype
        self.config = AutoConfig.from_pretrained(TINY)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(TINY)
        base = GenerationConfig.from_pretrained(TINY)
        self.generation_config = with_ends(base, self.tokenizer, 1)
        self.said: list[str] = []

    def progress(self, label: str, items: Sequence[Any]) -> Iterator[Any]:
        return iter(items)

    def say(self, line: str) -> None:
        self.said.append(line)


class Moved(Files):
    """Weights that differ from the stored ones by less than bfloat16 can tell."""

    def read(self, name: str) -> torch.Tensor:
        return super().read(name).float() * 1.0005


def write(target: Merged, folder: Path, **facts: Any) -> Standing:
    tuned = Standing(**facts)
    target.write(tuned, folder)  # type: ignore[arg-type]
    return tuned


def test_a_bfloat16_model_is_stored_in_float16_and_loads_as_that(tmp_path: Path) -> None:
    tuned = write(Merged(max_shard_size="2MB"), tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto")
    assert model.dtype == torch.float16
    assert (tmp_path / "model.safetensors.index.json").is_file()
    for name in tuned.weights.names:
        wanted = tuned.weights.read(name).half()
        assert torch.equal(model.state_dict()[name], wanted)
    assert Merged().artefacts(tmp_path)[0].closeness is Closeness.rounded


def test_a_model_beyond_float16_is_stored_in_float32_and_that_is_said(tmp_path: Path) -> None:
    tuned = write(Merged(), tmp_path, fits=False)
    assert AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto").dtype == torch.float32
    assert "export.merged.dtype=bfloat16" in tuned.said[0]
    assert Merged().artefacts(tmp_path)[0].closeness is Closeness.exact


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_another_base_keeps_its_type(dtype: str, tmp_path: Path) -> None:
    write(Merged(), tmp_path, dtype=dtype)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == dtype


def test_a_type_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    write(Merged(dtype=Dtype.bfloat16), tmp_path)
    assert AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto").dtype == torch.bfloat16


def test_a_size_that_is_none_is_told() -> None:
    assert list(Merged(max_shard_size="much").faults({}, None)) == [
        "max_shard_size=much: is no size; use one such as 5GB or 500MB"
    ]


def test_every_end_token_is_in_and_sampling_only_where_the_base_samples(tmp_path: Path) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(TINY)
    samples = GenerationConfig(eos_token_id=7, do_sample=True, temperature=0.6, max_new_tokens=9)
    found = with_ends(samples, tokenizer, 1)
    assert found.eos_token_id == [7, tokenizer.eos_token_id]
    assert (found.temperature, found.do_sample, found.max_new_tokens) == (0.6, True, None)
    odd = GenerationConfig(eos_token_id=[7, 8], temperature=0.6, top_p=0.9)
    found = with_ends(odd, tokenizer, 1)
    assert (found.temperature, found.top_p) == (None, None)
    assert found.eos_token_id == [7, 8, tokenizer.eos_token_id]
    found.save_pretrained(tmp_path)  # which refuses contradictions


def test_the_largest_number_of_a_model_is_found() -> None:
    model = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)
    before = largest(model, [[5, 6, 7]])
    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight *= 1e6
    assert before < 1e4 < 65504 < largest(model, [[5, 6, 7]])


MEASURED = """
import json, sys
from pathlib import Path
import peft, torch
from transformers import AutoConfig
import ftrecipe.stages.exporting.merging
from ftrecipe.components.export.shards import Stored, write_shards
from ftrecipe.stages.exporting.merging.adapted import Adapted
from ftrecipe.stages.exporting.merging.files import Files
from ftrecipe.stages.exporting.merging.hollow import skeleton

def told(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))

base, adapter, out = map(Path, sys.argv[1:])
Adapted(Files(base), skeleton(AutoConfig.from_pretrained(base), None), adapter)  # imports
Path("/proc/self/clear_refs").write_text("5")
before = told("VmRSS")
weights = Adapted(Files(base), skeleton(AutoConfig.from_pretrained(base), None), adapter)
stored = [Stored(name, "float16", weights.shape(name)) for name in weights.names]
read = lambda one: weights.read(one.name)
write_shards(out, stored, read, 10**9)
print(json.dumps(told("VmHWM") - before))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells peaks")
def test_no_more_than_a_shard_and_the_adapter_is_in_memory(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig
    from transformers.initialization import no_init_weights

    config = LlamaConfig(
        hidden_size=768, intermediate_size=2048, num_hidden_layers=8, num_attention_heads=12,
        vocab_size=4096,
    )  # fmt: skip
    with no_init_weights():
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(tmp_path / "base", max_shard_size="48MB")
    targets = LoraConfig(r=8, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    get_peft_model(model, targets).save_pretrained(tmp_path / "adapter")
    (tmp_path / "out").mkdir()
    folders = [str(tmp_path / name) for name in ("base", "adapter", "out")]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *folders],
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    peak = int(done.stdout.split()[-1])
    shard, adapter = (
        max(file.stat().st_size for file in (tmp_path / name).glob("*.safetensors"))
        for name in ("base", "adapter")
    )
    whole = sum(file.stat().st_size for file in (tmp_path / "base").glob("*.safetensors"))
    assert whole > 2.5 * shard
    assert peak <= 1.3 * shard + adapter
