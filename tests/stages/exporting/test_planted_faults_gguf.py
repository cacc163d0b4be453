"""The gate catches what goes wrong in GGUF files, as llama.cpp reads them."""

import json
from pathlib import Path
from typing import Any

import pytest
from faulty import Trained, without_digit_splitting
from transformers import GenerationConfig, PreTrainedTokenizerFast

from ftrecipe.components.export.gguf import Gguf
from ftrecipe.stages.exporting.tuned import TunedModel

pytestmark = pytest.mark.slow
gguf = pytest.importorskip("gguf")
pytest.importorskip("xllamacpp")


class Faulty(TunedModel):
    """A trained model that is written with a tokenizer of others and without its end token."""

    def __init__(self, run: Trained, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__(run.session)
        self.other = tokenizer

    @property
    def tokenizer(self) -> PreTrainedTokenizerFast:
        return self.other

    @property
    def generation_config(self) -> GenerationConfig:
        return GenerationConfig(eos_token_id=0)


def judged(run: Trained, folder: Path, types: list[str]) -> list[dict[str, Any]]:
    artefacts = Gguf(types=types).artefacts(folder)
    return run.fidelity.judged(artefacts).told["artefacts"]


@pytest.fixture(scope="module")
def written(run: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    Gguf(types=["f16", "q8_0"]).write(TunedModel(run.session), folder)
    return folder


def test_honest_files_pass(run: Trained, written: Path) -> None:
    found = judged(run, written, ["f16", "q8_0"])
    assert [(each["verdict"], each["reasons"]) for each in found] == [("same", [])] * 2
    assert [each["closeness"] for each in found] == ["rounded", "quantized"]


def test_swapped_permutation_of_attention_fails(run: Trained, written: Path) -> None:
    file = written / "swapped-f16.gguf"
    file.write_bytes(next(written.glob("*-f16.gguf")).read_bytes())
    heads = run.session.models.config.num_attention_heads
    (rows,) = [
        tensor.data
        for tensor in gguf.GGUFReader(file, "r+").tensors
        if tensor.name == "blk.0.attn_q.weight"
    ]
    turned = rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)
    rows[:] = turned.copy()
    rows.base.flush() if hasattr(rows.base, "flush") else None
    (found,) = [each for each in judged(run, written, ["f16"]) if each["name"] == file.name]
    file.unlink()
    assert found["verdict"] == "failed"
    assert any(reason.startswith("logprobs") for reason in found["reasons"])


def test_template_digits_and_end_token_are_each_found(run: Trained, tmp_path: Path) -> None:
    backend = json.loads(run.session.tokenizer.backend_tokenizer.to_str())
    without_digit_splitting(backend)
    (tmp_path / "tokenizer.json").write_text(json.dumps(backend), "utf-8")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "tokenizer.json"),
        eos_token="<|endoftext|>", bos_token="<|endoftext|>", pad_token="<|pad|>",
    )  # fmt: skip
    template = str(run.session.tokenizer.chat_template)
    tokenizer.chat_template = template.replace("<|im_start|>", "<|im_start|> ")
    folder = tmp_path / "gguf"
    folder.mkdir()
    Gguf(types=["f16"]).write(Faulty(run, tokenizer), folder)
    (found,) = judged(run, folder, ["f16"])
    assert found["verdict"] == "failed"
    assert "19" in found["tokenization"]["first"]["text"]
    assert found["template"]["first"]["position"] == 1
    assert found["ends"]["lost"] == ["<|im_end|>"]
    kinds = ("tokenised otherwise", "rendered otherwise", "ends none here")
    assert all(any(kind in reason for reason in found["reasons"]) for kind in kinds)
