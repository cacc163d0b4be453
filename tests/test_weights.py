"""A model's folder is looked at before anything is imported or loaded."""

import json
import math
from pathlib import Path

import pytest

from ftrecipe.weights import folder_faults, misfits

AGAIN = "copy or download it again"
WHOLE = (2).to_bytes(8, "little") + b"{}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "tokenizer.json").write_text('{"model": {}}')
    (tmp_path / "model.safetensors").write_bytes(WHOLE)
    return tmp_path


def test_a_whole_folder_has_no_fault(folder: Path) -> None:
    assert folder_faults(folder) == []


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("config.json", None, "has no config.json"),
        ("config.json", b"{", "has a config.json that is not valid JSON"),
        ("config.json", b"{}", "has a config.json without model_type"),
        ("tokenizer.json", None, "has no tokenizer.json"),
        ("model.safetensors", None, "has no weights (*.safetensors)"),
        ("tokenizer.json", b'{"model"', "tokenizer.json is not whole JSON; " + AGAIN),
        ("tokenizer.json", b"[]", "tokenizer.json holds no tokenizer; " + AGAIN),
        ("model.safetensors", b"", f"model.safetensors is empty; {AGAIN}"),
        (
            "model.safetensors",
            b"\xff" * 64,
            f"model.safetensors is not a safetensors file; {AGAIN}",
        ),
        (
            "model.safetensors",
            WHOLE + b"more",
            f"model.safetensors has 14 bytes, and its header speaks of 10; {AGAIN}",
        ),
    ],
)
def test_what_is_wrong_is_said(name: str, content: bytes | None, fault: str, folder: Path) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    assert folder_faults(folder) == [fault]


def test_a_model_type_that_is_not_known_is_answered_with_the_nearest(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "lama"}')
    (fault,) = folder_faults(folder, ["llama", "qwen3"])
    assert fault.endswith("which transformers does not know; did you mean llama?")


def test_a_model_type_with_code_of_its_own_is_left_to_those_who_consent(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "mine", "auto_map": {}}')
    assert folder_faults(folder, ["llama"]) == []


def test_weight_files_that_an_index_names_and_that_are_not_there_are_named(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "one.safetensors")
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert folder_faults(folder) == ["1 of 2 weight files are missing: two.safetensors"]


def weights(folder: Path, **shapes: list[int]) -> None:
    header: dict[str, object] = {}
    at = 0
    for name, shape in shapes.items():
        end = at + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + bytes(at)
    (folder / "model.safetensors").write_bytes(content)


def test_a_tensor_of_another_shape_is_named_with_both_shapes(folder: Path) -> None:
    weights(folder, a=[2, 3], b=[4, 4])
    (fault,) = misfits(folder, {"a": (2, 3), "b": (4, 5)})
    assert fault.startswith("b is 4x4 in the weights and 4x5 by config.json")


def test_a_layer_stored_the_other_way_round_fits(folder: Path) -> None:
    weights(folder, a=[2, 3])
    assert misfits(folder, {"a": (3, 2)}) == []


def test_a_tensor_that_is_not_there_is_named(folder: Path) -> None:
    weights(folder, a=[2], b=[2])
    (fault,) = misfits(folder, {"a": (2,), "b": (2,), "c": (2,)})
    assert fault.startswith("the weights lack c")


def test_weights_under_other_names_are_not_called_missing(folder: Path) -> None:
    weights(folder, x=[2], y=[2])
    assert misfits(folder, {"a": (2,), "b": (2,), "c": (2,)}) == []


@pytest.mark.parametrize(
    ("name", "what"), [("adapter_config.json", "an adapter"), ("model-q4.gguf", "a GGUF file")]
)
def test_a_folder_that_holds_no_model_is_told_for_what_it_is(
    name: str, what: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("{}")
    (fault,) = folder_faults(tmp_path)
    assert fault.startswith(f"holds {what}")
