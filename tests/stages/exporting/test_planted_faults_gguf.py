"""The gate catches what goes wrong in GGUF files, as llama.cpp reads them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from faulty import Trained, without_digit_splitting
from transformers import GenerationConfig, PreTrainedTokenizerFast

from ftrecipe import gated
from ftrecipe.components.export.gguf import Gguf
from ftrecipe.gguf.special import Special
from ftrecipe.stages.engines import Settings, opened
from ftrecipe.stages.export import reject
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


@pytest.mark.parametrize("kind", ["f16", "q8_0"])
def test_positions_and_a_begin_token_before_texts_are_found(
    run: Trained, written: Path, kind: str
) -> None:
    file = written / f"planted-{kind}.gguf"
    file.write_bytes(next(written.glob(f"quick*-{kind}.gguf")).read_bytes())
    fields = gguf.GGUFReader(file, "r+").fields
    for name, value in (("llama.rope.freq_base", 20000), ("tokenizer.ggml.add_bos_token", True)):
        part = fields[name].parts[fields[name].data[0]]
        part[0] = value
        part.base.flush() if hasattr(part.base, "flush") else None
    (found,) = [each for each in judged(run, written, [kind]) if each["name"] == file.name]
    file.unlink()
    assert found["verdict"] == "failed"
    assert kind == "q8_0" or any(reason.startswith("positions") for reason in found["reasons"])
    assert found["settings"]["differing"] == {
        "rope_theta": {"trained": 10000.0, "artefact": 20000.0},
        "a plain text": {"trained": "text", "artefact": "<|endoftext|> text"},
    }


def test_loss_of_an_answer_with_parts_of_characters_is_read(run: Trained, written: Path) -> None:
    artefact = Gguf(types=["f16"]).artefacts(written)[0]
    with opened(artefact, Settings(context=256)) as engine:
        ids = engine.tokenized("so 🙂 東 it is")
        rows = engine.along(ids, range(1, len(ids)))
        wanted = -sum(rows[at - 1, token] for at, token in enumerate(ids) if at)
        assert engine.losses([(ids, ids)]) == [pytest.approx(wanted, abs=1e-3)]


def test_only_the_file_that_failed_is_rejected(run: Trained, written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "gguf"
    shutil.copytree(written, folder)
    bad = next(folder.glob("*-q8_0.gguf"))
    bad.write_bytes(bad.read_bytes()[:1000])
    target = Gguf(types=["f16", "q8_0"])
    artefacts = target.artefacts(folder)
    found = run.fidelity.judged(artefacts)
    told = reject(folder, artefacts, found)
    found.write(folder)
    good = [each.name for each in target.artefacts(folder)]
    assert (found.verdict, found.told["kept"]) == ("failed", "same")
    assert good == [next(folder.glob("*-f16.gguf")).name]
    assert [path.name for path in (folder / "rejected").iterdir()] == [bad.name]
    assert told == f"{bad.name} in rejected/; {good[0]} passed, and stay"
    assert found.reasons[0].startswith(f"{bad.name}: ")
    assert gated.kept(folder) == "same"


def test_template_digits_end_token_and_sampling_are_each_found(
    run: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    put = Special.put

    def with_sampling(self: Special, writer: Any, *told: Any) -> None:
        put(self, writer, *told)
        writer.add_float32("general.sampling.temp", 1.5)  # which llama.cpp takes for its default

    monkeypatch.setattr(Special, "put", with_sampling)
    Gguf(types=["f16"]).write(Faulty(run, tokenizer), folder)
    (found,) = judged(run, folder, ["f16"])
    assert found["verdict"] == "failed"
    assert "19" in found["tokenization"]["first"]["text"]
    assert found["template"]["first"]["position"] == 1
    assert found["ends"]["lost"] == ["<|im_end|>"]
    kinds = (
        "tokenised otherwise", "rendered otherwise", "ends none here",
        "settings: temperature is 1.5 instead of not set",
    )  # fmt: skip
    assert all(any(kind in reason for reason in found["reasons"]) for kind in kinds)
