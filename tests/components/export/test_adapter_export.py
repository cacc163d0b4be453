"""The target `adapter`: whose base it names, and what of it only PEFT can load."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ftrecipe.components.export.adapter import Adapter, beside_lora

LORA = "base_model.model.model.layers.0.self_attn.q_proj"


def adapter(folder: Path, names: Sequence[str] = (), **config: Any) -> Path:
    """Write an adapter of empty tensors, with LoRA's two among them."""
    folder.mkdir()
    told = {"peft_type": "LORA", "base_model_name_or_path": "somewhere", "revision": None} | config
    (folder / "adapter_config.json").write_text(json.dumps(told))
    every = [f"{LORA}.lora_A.weight", f"{LORA}.lora_B.weight", *names]
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps(dict.fromkeys(every, empty)).encode()
    file = folder / "adapter_model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    return folder


class Tokenizer:
    def save_pretrained(self, folder: Path) -> None:
        (folder / "tokenizer.json").write_text("{}")


@dataclass
class Standing:
    """What the target asks of a tuned model."""

    adapter: Path
    base: str
    revision: str | None = None
    tokenizer: Tokenizer = field(default_factory=Tokenizer)
    said: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.said.append(line)


def written(tuned: Standing, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    Adapter().write(tuned, folder)  # type: ignore[arg-type]
    assert (folder / "tokenizer.json").is_file()
    return json.loads((folder / "adapter_config.json").read_text())


def test_a_base_of_the_hub_is_named_with_its_revision(tmp_path: Path) -> None:
    tuned = Standing(adapter(tmp_path / "adapter"), "org/name", "v2")
    found = written(tuned, tmp_path / "out")
    assert (found["base_model_name_or_path"], found["revision"]) == ("org/name", "v2")
    assert tuned.said == []


def test_a_base_in_a_folder_is_named_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base").mkdir()
    monkeypatch.chdir(tmp_path)
    tuned = Standing(adapter(tmp_path / "adapter"), "base", "v2")
    found = written(tuned, tmp_path / "out")
    assert found["base_model_name_or_path"] == str((tmp_path / "base").resolve())
    assert found["revision"] is None


def test_what_only_peft_loads_is_told(tmp_path: Path) -> None:
    tokens = "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta"
    tuned = Standing(adapter(tmp_path / "adapter", [tokens]), "org/name")
    written(tuned, tmp_path / "out")
    assert "trained tokens; PEFT loads that, vLLM and TGI do not" in tuned.said[0]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"{LORA}.lora_magnitude_vector", "DoRA's magnitudes"),
        (f"{LORA}.base_layer.bias", "biases"),
        (f"{LORA}.lora_B.bias", "biases"),
        ("base_model.model.model.embed_tokens.lora_embedding_A", "an adapted embedding"),
        ("base_model.model.lm_head.weight", "whole layers"),
    ],
)
def test_what_is_beside_lora_is_named(name: str, kind: str, tmp_path: Path) -> None:
    assert beside_lora(adapter(tmp_path / "adapter", [name])) == [kind]


def test_plain_lora_has_nothing_beside_it_and_other_methods_do(tmp_path: Path) -> None:
    assert beside_lora(adapter(tmp_path / "plain")) == []
    other = adapter(tmp_path / "other", peft_type="IA3")
    assert beside_lora(other) == ["an adapter of the kind IA3"]
