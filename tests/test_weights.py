"""A model's folder is looked at before anything is imported or loaded."""

from pathlib import Path

import pytest

from ftrecipe.weights import folder_faults

WHOLE = (2).to_bytes(8, "little") + b"{}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "tokenizer.json").write_text("{}")
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
        ("model.safetensors", b"", "has a broken model.safetensors"),
        ("model.safetensors", b"\xff" * 64, "has a broken model.safetensors"),
        ("model.safetensors", WHOLE + b"more", "has a broken model.safetensors"),
    ],
)
def test_what_is_wrong_is_said(name: str, content: bytes | None, fault: str, folder: Path) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    assert folder_faults(folder) == [fault]
