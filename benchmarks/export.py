"""Times the streaming merge against copying the files and PEFT's own merge, and its memory.

usage: python benchmarks/export.py [MODEL_FOLDER] [--rounds N] [--folder DIR]

Without a folder, a Llama of 270M random weights in several shards. Both sides begin with a base and
an adapter on the disk and end with a merged folder there; each round is a process of its own, the
two in turn. Time and peak resident memory (Linux) count from after the imports. The last lines are
the targets: at most 1.2 times the time, and a peak of at most 1.3 times the largest shard plus the
adapter.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

MIB = 1 << 20
SLOWER, LARGER = 1.2, 1.3
LLAMA = {
    "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 16,
    "num_attention_heads": 16, "num_key_value_heads": 8, "vocab_size": 32000,
    "tie_word_embeddings": False,
}  # fmt: skip
SHARD = "150MB"


def main() -> None:
    """Run the rounds and print the figures."""
    if sys.argv[1:2] == ["--worker"]:
        side, base, adapter, out = sys.argv[2], *map(Path, sys.argv[3:])
        print(json.dumps(measured(lambda: SIDES[side](base, adapter, out), base)))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--folder", type=Path, help="where to work; a folder on the disk in question"
    )
    options = parser.parse_args()
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        base = options.model or random_model(folder / "base")
        adapter = random_adapter(base, folder / "adapter")
        found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for _ in range(options.rounds):
            for side, rounds in found.items():
                rounds.append(in_a_process(side, base, adapter, folder / "out"))
        tell(found, base, adapter)


def tell(found: dict[str, list[dict[str, float]]], base: Path, adapter: Path) -> None:
    """Print medians, and the two ratios that are promised."""
    middle = {
        side: {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        for side, rounds in found.items()
    }
    for side, each in middle.items():
        spread = ", ".join(f"{one['seconds']:.2f}" for one in found[side])
        print(f"{side:8} {each['seconds']:6.2f} s ({spread})  peak {each['peak'] / MIB:6.0f} MiB")
    ours, theirs = middle["ours"], middle["theirs"]
    pairs = zip(found["ours"], found["theirs"], strict=True)
    ratio = statistics.median(one["seconds"] / two["seconds"] for one, two in pairs)
    allowed = LARGER * largest(base) + largest(adapter)
    print(f"time     {ratio:.2f} of copying and PEFT's merge (at most {SLOWER})")
    print(f"memory   {ours['peak'] / theirs['peak']:.2f} of PEFT's merge")
    print(
        f"memory   {ours['peak'] / MIB:.0f} of {allowed / MIB:.0f} MiB: {LARGER} times the largest "
        "shard, plus the adapter"
    )


def largest(folder: Path) -> int:
    """Return the size of the largest safetensors file."""
    return max(file.stat().st_size for file in folder.glob("*.safetensors"))


def in_a_process(side: str, base: Path, adapter: Path, out: Path) -> dict[str, float]:
    """Return seconds and peak bytes of one side."""
    shutil.rmtree(out, ignore_errors=True)
    words = [sys.executable, __file__, "--worker", side, str(base), str(adapter), str(out)]
    env = os.environ | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, env=env)
    return json.loads(done.stdout.splitlines()[-1])


def measured(work: Callable[[], None], base: Path) -> dict[str, float]:
    """Return how long a merge takes, and the peak of its memory above that of the imports."""
    import peft  # noqa: F401
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, logging

    import ftrecipe.stages.exporting.merging  # noqa: F401

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    with torch.device("meta"):  # imports the model's own module
        AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base))
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    began = time.monotonic()
    work()
    return {"seconds": time.monotonic() - began, "peak": resident("VmHWM") - before}


def resident(field: str) -> int:
    """Return the bytes of this process that Linux tells by such a name."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


def ours(base: Path, adapter: Path, out: Path) -> None:
    """Write the target `merged` of a base and an adapter, in the base's type."""
    from transformers import AutoConfig

    from ftrecipe.components.export.merged import Merged
    from ftrecipe.stages.exporting.merging.adapted import Adapted
    from ftrecipe.stages.exporting.merging.files import Files
    from ftrecipe.stages.exporting.merging.hollow import skeleton

    config = AutoConfig.from_pretrained(base)
    weights = Adapted(Files(base), skeleton(config, None), adapter)
    out.mkdir()
    Merged(max_shard_size=SHARD).write(Standing(base, config, weights), out)  # type: ignore[arg-type]


class Standing:
    """What the target asks of a tuned model."""

    dtype, fits_float16 = "bfloat16", True

    def __init__(self, base: Path, config: Any, weights: Any) -> None:
        from transformers import AutoTokenizer, GenerationConfig

        self.config, self.weights = config, weights
        self.generation_config = GenerationConfig.from_model_config(config)
        self.tokenizer = AutoTokenizer.from_pretrained(base)

    def progress(self, label: str, items: Sequence[Any]) -> Iterator[Any]:
        """Show nothing."""
        return iter(items)


def theirs(base: Path, adapter: Path, out: Path) -> None:
    """Copy the base's files, and have PEFT merge them."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    copied = out.with_name("copied")
    shutil.rmtree(copied, ignore_errors=True)
    shutil.copytree(base, copied)
    model = AutoModelForCausalLM.from_pretrained(copied, dtype="auto")
    merged: Any = PeftModel.from_pretrained(model, adapter).merge_and_unload()  # type: ignore[operator]
    merged.save_pretrained(out, max_shard_size=SHARD)
    AutoTokenizer.from_pretrained(copied).save_pretrained(out)


SIDES = {"ours": ours, "theirs": theirs}


def random_model(folder: Path) -> Path:
    """Write a Llama with random weights in several shards, and the packaged tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    import ftrecipe

    torch.manual_seed(0)
    model: Any = LlamaForCausalLM(LlamaConfig(**LLAMA))
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size=SHARD)
    tiny = Path(ftrecipe.__file__).parent / "builtin" / "tiny"
    AutoTokenizer.from_pretrained(tiny).save_pretrained(folder)
    return folder


def random_adapter(base: Path, folder: Path) -> Path:
    """Write a LoRA adapter on every linear layer, with random numbers."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype="auto")
    tuned = get_peft_model(
        model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM")
    )
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=1e-3)
    tuned.save_pretrained(str(folder))
    return folder


if __name__ == "__main__":
    main()
