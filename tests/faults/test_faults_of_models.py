"""Faults of a model's folder: told by its files' headers, before torch is imported."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commanding import FILE_SECONDS, ROOT, leftovers
from conftest import Run

pytestmark = pytest.mark.slow

TINY = ROOT / "ftrecipe" / "builtin" / "tiny"
WEIGHTS = (TINY / "model.safetensors").read_bytes()
LENGTH = int.from_bytes(WEIGHTS[:8], "little")
HEADER: dict[str, Any] = json.loads(WEIGHTS[8 : 8 + LENGTH])
QUERY = "model.layers.0.self_attn.q_proj.weight"

Change = Callable[[Path], object]


def with_header(header: dict[str, Any]) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + WEIGHTS[8 + LENGTH :]


def weights(content: bytes) -> Change:
    return lambda folder: (folder / "model.safetensors").write_bytes(content)


def config(**changed: object) -> Change:
    def change(folder: Path) -> None:
        known = json.loads((TINY / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(known | changed))

    return change


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def half_a_tokenizer(folder: Path) -> None:
    text = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(text[: len(text) // 2])


def one_shard_of_two(folder: Path) -> None:
    shards = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    (folder / "model.safetensors").rename(folder / shards[0])
    index = {"weight_map": {name: shards[at % 2] for at, name in enumerate(HEADER)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


OTHER_SHAPE = HEADER | {QUERY: HEADER[QUERY] | {"shape": [128, 512]}}
RENAMED = {name.replace("q_proj", "query"): tensor for name, tensor in HEADER.items()}
GARBAGE = WEIGHTS[:8] + bytes(range(256)) * (LENGTH // 256 + 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_weights, ["has no weights (*.safetensors)"]),
        (pickled, ["only as pickles (pytorch_model.bin)"]),
        (weights(b""), ["model.safetensors is empty; copy or download it again"]),
        (weights(WEIGHTS[: len(WEIGHTS) // 2]), ["model.safetensors is cut off: it has 3,0"]),
        (weights(GARBAGE), ["model.safetensors is not a safetensors file: its header"]),
        (weights(bytes(range(256)) * 999), ["model.safetensors is not a safetensors file"]),
        (weights(with_header(OTHER_SHAPE)), [f"{QUERY} is 128x512", "256x256 by config.json"]),
        (weights(with_header(RENAMED)), ["the weights lack ", QUERY]),
        (one_shard_of_two, ["1 of 2 weight files are missing: model-00002-of-00002.safetensors"]),
        (half_a_tokenizer, ["tokenizer.json is not whole JSON"]),
        (config(model_type="lama9"), ["model_type 'lama9'", "did you mean llama?"]),
        (config(hidden_size=512), ["by config.json", "they are of two models"]),
    ],
    ids=["no_weights", "only_pickles", "zero_bytes", "body_cut_off", "header_garbage",
         "all_garbage",
         "another_shape", "missing_tensors", "missing_shard", "broken_tokenizer",
         "unknown_model_type", "config_of_another_model"],
)  # fmt: skip
def test_a_model_folder_that_is_not_whole_is_refused(
    change: Change, told: list[str], run: Run, work: Path
) -> None:
    shutil.copytree(TINY, work / "mine")
    change(work / "mine")
    said = run("run", "dataset=faq.jsonl", "model=./mine")
    said.refused("model.path=./mine: ", *told, seconds=FILE_SECONDS)
    assert leftovers(work) == []


def test_weights_missing_under_any_name_are_refused_rather_than_filled_with_random_numbers(
    run: Run, work: Path
) -> None:
    """No name is one that the config asks for: only transformers knows how it would rename them."""
    shutil.copytree(TINY, work / "mine")
    strange = {name.replace("model.", "net."): tensor for name, tensor in HEADER.items()}
    (work / "mine" / "model.safetensors").write_bytes(with_header(strange))
    words = ["dataset=faq.jsonl", "model=./mine", "eval=[]", "export=[]", "trainer.max_steps=1"]
    said = run("run", *words)
    said.refused("the files lack model.embed_tokens.weight", seconds=10 * FILE_SECONDS)
