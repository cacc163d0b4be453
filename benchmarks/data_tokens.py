"""Times making tokens and masks of chats beside `datasets.map` with the same fast tokenizer.

usage: python benchmarks/data_tokens.py [--data FILE.json] [--model FOLDER] [--rows 20000]

FILE.json is a list of rows with `instruction`, `input` and a `response` or `output`; without one
the shipped FAQ is repeated in ever new sentences. Every side runs in a process of its own, on the
same cores, by turns; the time of starting and of reading the chats is nobody's. Only the ratios of
one run are worth keeping; on a machine with other work those of the processor seconds.
"""

import argparse
import gc
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BUILTIN = Path(__file__).resolve().parents[1] / "ftrecipe" / "builtin"
BATCH = 1000


def main() -> None:
    """Time all sides in rounds and print the medians and the ratios."""
    asked = argparse.ArgumentParser(usage=(__doc__ or "").split("\n")[2].removeprefix("usage: "))
    asked.add_argument("--data", type=Path)
    asked.add_argument("--model", type=Path, default=BUILTIN / "tiny")
    asked.add_argument("--rows", type=int, default=20000)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--side", choices=sorted(SIDES))
    asked.add_argument("--folder", type=Path)
    line = asked.parse_args()
    if line.side:
        print(json.dumps(timed(line.side, line.model, line.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        write_chats(line.data, line.rows, line.model, Path(name))
        tell(rounds(line, Path(name)))


def rounds(line: argparse.Namespace, folder: Path) -> dict[str, list[dict[str, float]]]:
    """Run every side so many times, by turns."""
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for _ in range(line.rounds):
        for side in SIDES:
            words = ["--side", side, "--model", str(line.model), "--folder", str(folder)]
            done = subprocess.run(
                [sys.executable, __file__, *words], check=True, capture_output=True, text=True,
                env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"},
            )  # fmt: skip
            found[side].append(json.loads(done.stdout.splitlines()[-1]))
    return found


def tell(found: dict[str, list[dict[str, float]]]) -> None:
    """Print the median of each side, and the ratios that matter."""
    seconds = {
        side: statistics.median(one["seconds"] for one in all_) for side, all_ in found.items()
    }
    cores = {side: statistics.median(one["cpu"] for one in all_) for side, all_ in found.items()}
    for side in SIDES:
        spread = ", ".join(f"{one['seconds']:.2f}" for one in found[side])
        print(f"{side:22} {seconds[side]:6.2f} s  {cores[side]:6.2f} cpu s  ({spread})  "
              f"{found[side][0]['tokens']:,.0f} tokens")  # fmt: skip
    for name, first, second in (
        ("tokens of texts, times datasets.map", "map_texts", "ours_texts"),
        ("tokens of chats, times datasets.map", "map_chats", "ours_everything"),
        ("tokens and masks of chats, times datasets.map", "map_chats", "ours_answers"),
        ("masks, times no masks (at most 1.15)", "ours_answers", "ours_everything"),
    ):
        print(f"{name:50} {seconds[first] / seconds[second]:.2f} (cpu "
              f"{cores[first] / cores[second]:.2f})")  # fmt: skip


def write_chats(data: Path | None, count: int, model: Path, folder: Path) -> None:
    """Write so many chats, and their texts as the model's template renders them."""
    pairs = read_pairs(data) if data else shipped_pairs()
    dice = random.Random(0)
    tokenizer = load(model)
    with (folder / "chats.jsonl").open("w") as chats, (folder / "texts.jsonl").open("w") as texts:
        for _ in range(count):
            question, answer = dice.choice(pairs)
            messages = [{"role": "user", "content": f"{dice.randrange(10**6)}. {question}"},
                        {"role": "assistant", "content": answer}]  # fmt: skip
            chats.write(json.dumps({"messages": messages}) + "\n")
            text = tokenizer.apply_chat_template(messages, tokenize=False)
            texts.write(json.dumps({"text": text}) + "\n")


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """Return the questions and answers of a file in the form of alpaca."""
    pairs = []
    for row in json.loads(path.read_text(encoding="utf-8")):
        asked = "\n\n".join(part for part in (row["instruction"], row.get("input")) if part)
        if answer := row.get("response") or row.get("output"):
            pairs.append((asked, answer))
    return pairs


def shipped_pairs() -> list[tuple[str, str]]:
    """Return long questions and answers made of several of the shipped FAQ's."""
    lines = (BUILTIN / "faq" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    rows, dice = [json.loads(line) for line in lines], random.Random(1)
    several = [dice.sample(rows, dice.randint(1, 12)) for _ in range(2000)]
    return [(" ".join(row["question"] for row in some), " ".join(row["answer"] for row in some))
            for some in several]  # fmt: skip


def load(model: Path) -> Any:
    """Return the tokenizer as a run has it."""
    from ftrecipe.components.model import Model

    return Model(path=str(model)).load_tokenizer()


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON Lines file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def timed(side: str, model: Path, folder: Path) -> dict[str, float]:
    """Run one side; return its wall and processor seconds, and how many tokens it wrote."""
    for name in ("jinja2", "pyarrow.compute"):  # no side's first import is timed
        importlib.import_module(name)
    work = SIDES[side](load(model), folder)
    gc.collect()
    gc.freeze()  # the chats are in memory for the benchmark's sake alone
    with tempfile.TemporaryDirectory() as name:
        wall, processor = time.perf_counter(), time.process_time()
        tokens = work(Path(name) / "out")
        return {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - processor,
                "tokens": tokens}  # fmt: skip


Work = Callable[[Path], int]


def map_texts(tokenizer: Any, folder: Path) -> Work:
    """Tokenize rendered texts with `datasets.map`."""
    texts = [row["text"] for row in read(folder / "texts.jsonl")]
    return _mapped({"text": texts}, lambda batch: tokenizer(
        batch["text"], add_special_tokens=False, return_attention_mask=False))  # fmt: skip


def map_chats(tokenizer: Any, folder: Path) -> Work:
    """Render and tokenize chats with `datasets.map`."""
    chats = [row["messages"] for row in read(folder / "chats.jsonl")]

    def tokens(batch: dict[str, Any]) -> dict[str, Any]:
        texts = tokenizer.apply_chat_template(batch["messages"], tokenize=False)
        return tokenizer(texts, add_special_tokens=False, return_attention_mask=False)

    return _mapped({"messages": chats}, tokens)


def _mapped(columns: dict[str, Any], tokens: Callable[[Any], Any]) -> Work:
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    rows = Dataset.from_dict(columns)

    def work(out: Path) -> int:
        made = rows.map(tokens, batched=True, batch_size=BATCH, cache_file_name=f"{out}.arrow",
                        remove_columns=list(columns))  # fmt: skip
        return sum(len(one.flatten()) for one in made.with_format("arrow")[:]["input_ids"].chunks)

    return work


def ours_texts(tokenizer: Any, folder: Path) -> Work:
    """Tokenize and write rendered texts."""
    from ftrecipe.data.example import Where
    from ftrecipe.data.tokens.render import Rendered

    texts = [row["text"] for row in read(folder / "texts.jsonl")]
    where = Where("texts.jsonl", "line", 1)
    rows = [Rendered(where, text, [(0, len(text.rstrip()))]) for text in texts]
    return _written(tokenizer, rows, lambda batch: batch)


def ours_chats(train_on: str) -> Callable[[Any, Path], Work]:
    """Render, tokenize, mask and write chats."""

    def side(tokenizer: Any, folder: Path) -> Work:
        from ftrecipe.data.example import Chat, Where
        from ftrecipe.data.tokens.masks import TrainOn
        from ftrecipe.data.tokens.render import Renderer

        where = Where("chats.jsonl", "line", 1)
        chats = [Chat(where=where, **row) for row in read(folder / "chats.jsonl")]
        renderer = Renderer(tokenizer, TrainOn(train_on))
        return _written(tokenizer, chats, lambda batch: [
            row for chat in batch for row in renderer.rows(chat)])  # fmt: skip

    return side


def _written(tokenizer: Any, rows: list[Any], render: Callable[[list[Any]], list[Any]]) -> Work:
    from ftrecipe.data.example import OnOverlong
    from ftrecipe.data.tokens.overlong import Overlong
    from ftrecipe.data.tokens.tokenize import Encoder
    from ftrecipe.data.writer import Writer

    def work(out: Path) -> int:
        encoder, writer, tokens = Encoder(tokenizer), Writer(out / "rows.arrow"), 0
        overlong = Overlong(OnOverlong.error, None)
        for start in range(0, len(rows), BATCH):
            made = encoder.rows(render(rows[start : start + BATCH]))
            kept = [piece for row in made for piece in overlong.fit(row)]
            writer.write(kept, [""] * len(kept))
            tokens += sum(len(row.input_ids) for row in kept)
        writer.stream.close()
        return tokens

    return work


SIDES: dict[str, Callable[[Any, Path], Work]] = {
    "map_texts": map_texts,
    "ours_texts": ours_texts,
    "map_chats": map_chats,
    "ours_everything": ours_chats("everything"),
    "ours_answers": ours_chats("answers"),
}


if __name__ == "__main__":
    main()
