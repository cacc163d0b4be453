"""Runs real trainings, measures their peak memory and compares it with the plan's.

usage: python benchmarks/memory.py MODEL_FOLDER [--only NAME …] [--folder DIR] [--table FILE]

MODEL_FOLDER holds SmolLM2-135M (scripts/fetch_smollm2.py); models of other families have its
tokenizer, their own numbers and random weights. Each run is the real worker with its real stages
in a process of its own. On a CPU the figure is the process's peak resident memory above its size
after its imports; on a GPU, torch.cuda.max_memory_allocated.
"""

import argparse
import contextlib
import ctypes
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
IMPORTED = (
    "torch", "transformers", "trl", "peft", "datasets", "accelerate",
    "torch.optim", "torch._dynamo", "ftrecipe.stages.models", "ftrecipe.stages.prepare",
    "ftrecipe.stages.baseline", "ftrecipe.stages.train", "ftrecipe.stages.evaluate",
    "ftrecipe.stages.report",
)  # fmt: skip
FP32, BF16 = "hardware.precision=fp32", "hardware.precision=bf16"

LLAMA = {
    "model_type": "llama", "hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12,
    "num_attention_heads": 12, "num_key_value_heads": 4, "vocab_size": 49152,
    "tie_word_embeddings": False, "max_position_embeddings": 4096,
}  # fmt: skip
QWEN2 = {
    "model_type": "qwen2", "hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 12,
    "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 151936,
    "tie_word_embeddings": True,
}  # fmt: skip
GEMMA = {
    "model_type": "gemma", "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 8,
    "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 128, "vocab_size": 256000,
}  # fmt: skip
BIG = LLAMA | {"hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 24,
               "num_attention_heads": 16, "num_key_value_heads": 8}  # fmt: skip
MODELS = {"llama_162m": LLAMA, "qwen2_109m": QWEN2, "gemma_163m": GEMMA, "llama_392m": BIG}


@dataclass(frozen=True)
class Case:
    """One training: rows of `length` tokens, of which the last `answer` are trained on."""

    name: str
    rows: int
    length: int
    words: tuple[str, ...] = ()
    answer: int | None = None  # None: all
    model: str = "smollm2_135m"
    suites: str = "[]"
    documents: int | None = None  # tokens of one document where rows are packed


@dataclass
class Measured:
    """Peaks in bytes above the size after imports, by stage, and the plan's figure."""

    case: Case
    stages: dict[str, int]
    planned: dict[str, float] = field(default_factory=dict)


LORA, FULL = "peft=lora", "peft=full"
AGAIN = "trainer.gradient_checkpointing=true"
CASES = (
    Case("full fp32", 2, 256, (FULL, FP32)),
    Case("full bf16", 2, 256, (FULL, BF16)),
    Case("full fp32, 8-bit AdamW", 2, 256, (FULL, FP32, "trainer.optim=adamw_8bit")),
    Case("full bf16, accumulation", 2, 256, (FULL, BF16, "trainer.gradient_accumulation_steps=2")),
    Case("full bf16, checkpointing", 2, 512, (FULL, BF16, AGAIN)),
    Case("freeze fp32, 6 layers", 4, 256, ("peft=freeze", FP32, "peft.last_layers=6")),
    Case("lora fp32", 2, 256, (LORA, FP32)),
    Case("lora bf16", 2, 256, (LORA, BF16)),
    Case("lora fp32, 4 x 512", 4, 512, (LORA, FP32)),
    Case("lora bf16, 4 x 512", 4, 512, (LORA, BF16)),
    Case("lora bf16, 8 x 128", 8, 128, (LORA, BF16)),
    Case("lora bf16, 1 x 1024", 1, 1024, (LORA, BF16)),
    Case("lora fp32, checkpointing", 4, 512, (LORA, FP32, AGAIN)),
    Case("lora bf16, dropout", 2, 256, (LORA, BF16, "peft.dropout=0.1")),
    Case("lora bf16, eager attention", 1, 512, (LORA, BF16, "model.attn_implementation=eager")),
    Case("lora bf16, packed", 2, 512, (LORA, BF16, "trainer.packing=true"), documents=128),
    Case("lora bf16, nf4", 2, 256, (LORA, BF16, "quantization=nf4")),
    Case("lora bf16, perplexity", 1, 256, (LORA, BF16), suites="[perplexity]"),
    Case("lora bf16, answers", 1, 256, (LORA, BF16), suites="[qa]", answer=32),
    Case("llama 162M full bf16", 2, 256, (FULL, BF16), model="llama_162m"),
    Case("llama 392M lora bf16", 2, 256, (LORA, BF16), model="llama_392m"),
    Case("qwen2 109M lora bf16, 152k words", 2, 256, (LORA, BF16), model="qwen2_109m"),
    Case("gemma 163M full fp32, 256k words", 1, 256, (FULL, FP32), model="gemma_163m"),
)


def main() -> None:
    """Run the cases and print, or write, the table."""
    if sys.argv[1:2] == ["--worker"]:
        worker(Path(sys.argv[2]), sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("smollm2", type=Path)
    parser.add_argument("--only", nargs="*", help="parts of cases' names")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--hardware", default="cpu", help="a profile; one with a GPU: unmeasured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        for case in CASES:
            if options.only and not any(part in case.name for part in options.only):
                continue
            print(
                told(measure(case, options.smollm2.resolve(), folder, options.hardware)), flush=True
            )


def told(measured: Measured) -> str:
    """Return one line of a case."""
    stages = "  ".join(f"{name} {size / MIB:.0f}" for name, size in measured.stages.items())
    planned = "  ".join(f"{k} {v / MIB:.0f}" for k, v in measured.planned.items())
    return f"{measured.case.name:32} {stages}\n    planned {planned}"


def measure(case: Case, smollm2: Path, folder: Path, hardware: str = "cpu") -> Measured:
    """Plan one case and run it in a worker of its own."""
    from ftrecipe import launch, plan
    from ftrecipe.compose import compose
    from ftrecipe.needs import needs

    model = smollm2 if case.model == "smollm2_135m" else random_model(case.model, smollm2, folder)
    data = rows_file(case, folder)
    words = [
        "dataset=prompt_completion", f"dataset.path={data}", "dataset.chat=false",
        "dataset.split={train: 0.5, validation: 0.25, test: 0.25}",
        "cleaning=[]", f"model={model}", f"eval={case.suites}", f"hardware={hardware}",
        f"runs_dir={folder / 'runs' / case.name.replace(' ', '_')}", "trainer.max_steps=2",
        f"trainer.per_device_train_batch_size={case.rows}", f"trainer.max_length={case.length}",
        *case.words,
    ]  # fmt: skip
    made = plan.make(compose(words))
    rundir = launch.create(made)
    command = [sys.executable, __file__, "--worker", str(rundir.path), *made.stages]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    stages = json.loads((rundir.path / "peaks.json").read_text("utf-8"))
    needed = needs(made.run)
    assert needed is not None
    held = needed.account
    return Measured(case, stages, held.moments | {line.name: line.size for line in held.lines})


def rows_file(case: Case, folder: Path) -> Path:
    """Write rows of common words, each one token of SmolLM2's, as long as rows may be."""
    answer = case.length if case.answer is None else case.answer
    length = case.documents or case.length
    words = ["time", "people", "water", "house", "number", "work", "place", "day", "world", "hand"]
    file = folder / f"{length}_{answer}.jsonl"
    lines = []
    for row in range(256):
        spelled = [words[int(digit)] for digit in f"{row:03}"]  # no two rows alike
        text = (spelled + [words[(row * 7 + at * at) % 10] for at in range(length)])[: length - 1]
        prompt = max(1, length - answer)
        record = {"prompt": " ".join(text[:prompt]), "completion": " " + " ".join(text[prompt:])}
        lines.append(json.dumps(record) + "\n")
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(lines), "utf-8")
    return file


def random_model(name: str, smollm2: Path, folder: Path) -> Path:
    """Write a model of random weights with SmolLM2's tokenizer, in a process of its own."""
    target = folder / "models" / name
    if not (target / "model.safetensors").is_file():
        text = json.dumps(MODELS[name])
        call = f"import sys, memory; memory.write_model({text!r}, sys.argv[1], sys.argv[2])"
        words = [sys.executable, "-c", call, str(smollm2), str(target)]
        subprocess.run(words, check=True, cwd=HERE)
    return target


def write_model(numbers: str, smollm2: str, target: str) -> None:
    """Save random bfloat16 weights for a config of `numbers`, with a tokenizer."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    config: Any = AutoConfig.for_model(**json.loads(numbers))
    config.eos_token_id = config.pad_token_id = 2
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).to(torch.bfloat16).save_pretrained(target)
    AutoTokenizer.from_pretrained(smollm2).save_pretrained(target)


def worker(folder: Path, stages: list[str]) -> None:
    """Run the stages as the worker does, and write each one's peak to peaks.json."""
    from ftrecipe.config import from_plain
    from ftrecipe.rundir import RunDir, read_json
    from ftrecipe.stages.__main__ import Worker
    from ftrecipe.stages.ranks import Rank
    from ftrecipe.stages.screen import take_screen
    from ftrecipe.stages.surroundings import settle

    rundir = RunDir(folder)
    run = from_plain(read_json(rundir.run)["config"])
    settle(run)
    for module in IMPORTED + ((run.trainer.package,) if run.trainer.package else ()):
        importlib.import_module(module)
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401
    from trl import SFTConfig, SFTTrainer  # noqa: F401

    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    base = status("VmRSS")
    with rundir.log.open("a", encoding="utf-8", buffering=1) as log:
        busy = Worker(rundir, Rank.here(), take_screen(log, silent=True), stages)
        found: dict[str, int] = {}
        of_stage = busy.status.stage

        @contextlib.contextmanager
        def watched(name: str) -> Iterator[None]:
            forget_peak()
            with of_stage(name), timeline(folder / f"line_{name}.json", base):
                yield
            found[name] = peak(base)
            found[f"{name}_left"] = status("VmRSS") - base

        busy.status.stage = watched  # type: ignore[method-assign]
        code = busy.work()
        found["imports"] = base
    (folder / "peaks.json").write_text(json.dumps(found), "utf-8")
    sys.exit(code)


@contextlib.contextmanager
def timeline(file: Path, base: int) -> Iterator[None]:
    """Sample resident memory every 5 ms into `file`: MiB above `base`, anonymous and of files."""
    stop = threading.Event()
    line: list[tuple[float, float, float]] = []

    def sample() -> None:
        began = time.monotonic()
        while not stop.wait(0.005):
            at = round(time.monotonic() - began, 3)
            line.append((at, (status("VmRSS") - base) / MIB, status("RssFile") / MIB))

    if not os.environ.get("MEMORY_LINE"):
        yield
        return
    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join()
    file.write_text(json.dumps(line), "utf-8")


def forget_peak() -> None:
    """Begin a new peak."""
    import torch

    Path("/proc/self/clear_refs").write_text("5")
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak(base: int) -> int:
    """Return the most bytes since then: allocated on the GPU, else of this process above `base`."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return status("VmHWM") - base


def status(name: str) -> int:
    """Return one of this process's sizes in bytes, as /proc/self/status has it."""
    text = Path("/proc/self/status").read_text("utf-8")
    row = next(line for line in text.splitlines() if line.startswith(name + ":"))
    return int(row.split()[1]) * 1024


if __name__ == "__main__":
    main()
