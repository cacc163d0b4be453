"""Times ways to let a model answer on one CPU, and a whole run; prints ratios of one sitting.

usage: python benchmarks/eval.py [--model DIR] [--prompts 64] [--rounds 3] [--out FILE]

Batched generation is held against the same loop with one prompt at a time, and against a plain
loop over transformers' `model.generate`; all three have to give the same answers. Then a whole run
is made, in which weights are counted as they are read. Processor seconds are what to go by on a
machine with other work: every side has one thread.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ftrecipe.components.eval import Completion, Decoding
from ftrecipe.data.files.locate import packaged_file
from ftrecipe.stages.measuring.generation import generate

NEW_TOKENS = 64
SUITES = "eval=[perplexity,qa,generation]"
# Counts in a worker what opens weight files, for as long as the run lasts.
COUNTING = """
import atexit, os, sys, transformers
whole = transformers.AutoModelForCausalLM.from_pretrained
def counting(source, *args, **kwargs):
    with open(os.environ["LOADS"], "a") as file:
        file.write(str(source) + "\\n")
    return whole(source, *args, **kwargs)
transformers.AutoModelForCausalLM.from_pretrained = counting
from ftrecipe.stages.__main__ import main
sys.exit(main(sys.argv[1], sys.argv[2:]))
"""


def main() -> None:
    """Time the tiny model, and another one if it is named, then count a run's loads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="the folder of another model to time as well")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write what is printed here, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    said: list[str] = []
    for folder in filter(None, [packaged_file("builtin:tiny"), options.model]):
        said += told(folder.name, sides(folder, options.prompts, options.rounds))
    said += loads()
    print("\n".join(said))
    if options.out:
        options.out.write_text("\n".join(said) + "\n", "utf-8")


def sides(folder: Path, count: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return by side the wall and processor seconds of each round; checks that answers agree."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    asked = prompts(tokenizer, count)
    greedy = Decoding(max_new_tokens=NEW_TOKENS)
    ways: dict[str, Callable[[], list[str]]] = {
        "batched": lambda: texts(generate(model, tokenizer, asked, greedy)),
        "one by one": lambda: texts(generate(model, tokenizer, asked, greedy, batch_size=1)),
        "model.generate": lambda: plain_loop(model, tokenizer, asked),
    }
    generate(model, tokenizer, asked[:2], greedy)  # imports and caches are nobody's time
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):  # by turns, so that all meet the same moods of the machine
        answers = {}
        for name, way in ways.items():
            answers[name], seconds = clocked(way)
            took[name].append(seconds)
        first = answers["batched"]
        assert all(other == first for other in answers.values()), "answers differ"
    return took


def prompts(tokenizer: Any, count: int) -> list[list[int]]:
    """Return questions of different lengths, as chats."""
    lines = packaged_file("builtin:general.jsonl").read_text("utf-8").splitlines()
    words = [json.loads(line)["text"].split() for line in lines]
    found = []
    for at in range(count):
        few = words[at % len(words)][at % 5 : at % 5 + 6 + at % 9]
        turn = [{"role": "user", "content": f"What is {' '.join(few)}?"}]
        found.append(
            tokenizer.apply_chat_template(turn, add_generation_prompt=True, return_dict=False)
        )
    return found


def texts(completions: list[Completion]) -> list[str]:
    """Return what was said."""
    return [completion.text for completion in completions]


def plain_loop(model: Any, tokenizer: Any, asked: list[list[int]]) -> list[str]:
    """Answer one prompt after the other, as a first script would."""
    said = []
    for ids in asked:
        row = torch.tensor([ids])
        out = model.generate(
            row, attention_mask=torch.ones_like(row), do_sample=False,
            max_new_tokens=NEW_TOKENS, pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
        said.append(tokenizer.decode(out[0, len(ids) :], skip_special_tokens=True).strip())
    return said


def clocked(work: Callable[[], list[str]]) -> tuple[list[str], tuple[float, float]]:
    """Return a result with its wall and processor seconds."""
    wall, spent = time.perf_counter(), time.process_time()
    done = work()
    return done, (time.perf_counter() - wall, time.process_time() - spent)


def told(name: str, took: dict[str, list[tuple[float, float]]]) -> list[str]:
    """Return the ratios to batched generation: medians over rounds, each within its round."""
    lines = [f"{name}: answers of all three are equal"]
    for other in ("one by one", "model.generate"):
        pairs = list(zip(took[other], took["batched"], strict=True))
        wall, spent = (statistics.median(a[k] / b[k] for a, b in pairs) for k in (0, 1))
        lines.append(
            f"  batched is {spent:.1f} times as fast as {other} by processor seconds, "
            f"{wall:.1f} by the clock"
        )
    return lines


def loads() -> list[str]:
    """Make a whole run with three suites; return how often weights were read, and what it took."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        words = ["+recipe=quickstart", SUITES, "export=[]", "trainer.max_steps=4"]
        call([sys.executable, "-m", "ftrecipe", "plan", "--write", *words], folder)
        (run,) = folder.glob("runs/quickstart/*")
        began = time.perf_counter()
        stages = ["prepare", "baseline", "train", "evaluate"]
        call([sys.executable, "-c", COUNTING, str(run), *stages], folder)
        seconds = time.perf_counter() - began
        counted = (folder / "loads").read_text("utf-8").splitlines()
    return [f"a run with {SUITES}: weights read {len(counted)} time(s), {seconds:.0f} s in all"]


def call(command: list[str], folder: Path) -> None:
    """Run one command to its end; its output is shown where it fails."""
    here = str(Path(__file__).resolve().parents[1])
    environment = os.environ | {"PYTHONPATH": here, "LOADS": str(folder / "loads")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
