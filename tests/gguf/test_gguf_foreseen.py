"""What cannot become a GGUF file is told from the model's own JSON files, before anything loads."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gguf import TokenType as Library
from test_gguf_refusals import split

from ftrecipe.components.export.gguf import Gguf
from ftrecipe.components.export.ollama import Ollama
from ftrecipe.components.model import Model
from ftrecipe.gguf.families import FAMILIES
from ftrecipe.gguf.pretokenizer import TEKKEN
from ftrecipe.gguf.vocabulary import TokenType
from ftrecipe.stages.exporting.fidelity.texts import COUNT, texts

TINY = Path(__file__).parents[2] / "ftrecipe/builtin/tiny"
NAMES = ("config.json", "tokenizer.json", "tokenizer_config.json")


def model(folder: Path, special_tokens: list[str] | None = None, **changed: Any) -> Model:
    """Return the embedded model's JSON files in a folder, with changes by file, dots left out."""
    for name in NAMES:
        said = json.loads((TINY / name).read_text("utf-8"))
        said |= changed.get(name.removesuffix(".json"), {})
        (folder / name).write_text(json.dumps(said), "utf-8")
    return Model(path=str(folder), special_tokens=special_tokens or [])


def told(of: Model, target: Any = None) -> list[str]:
    """Return what a target says of a model."""
    target = target or Gguf()
    return list(target.misfits({"it": target}, of))


def test_the_embedded_model_fits(tmp_path: Path) -> None:
    assert told(model(tmp_path)) == told(Model(path="builtin:tiny", special_tokens=["<x>"])) == []


@pytest.mark.parametrize("target", [Gguf(), Ollama()])
def test_an_unknown_splitting_is_told_with_both_ways_out(target: Any, tmp_path: Path) -> None:
    odd = model(tmp_path, tokenizer={"pre_tokenizer": split("odd+")})
    (fault,) = told(odd, target)
    assert fault.startswith("the tokenizer splits text by 'odd+'")
    assert "export.gguf.llama_cpp=" in fault
    assert "export=merged" in fault


def test_another_converter_is_left_to_itself(tmp_path: Path) -> None:
    odd = model(tmp_path, tokenizer={"pre_tokenizer": split("odd+")})
    assert told(odd, Gguf(llama_cpp="somewhere")) == []


def test_a_tokenizer_of_another_kind_is_told(tmp_path: Path) -> None:
    pieces = {"model": {"type": "Unigram", "vocab": [["a", 0.0]]}}
    (fault,) = told(model(tmp_path, tokenizer=pieces))
    assert fault.startswith("a tokenizer with model Unigram")


def test_tokens_without_rows_are_told_unless_rows_are_added(tmp_path: Path) -> None:
    few = {"vocab_size": 2000}
    (fault,) = told(model(tmp_path, config=few))
    assert "2,048 tokens, and the model 2,000 rows" in fault
    assert told(model(tmp_path, ["<x>"], config=few)) == []


def test_rows_without_tokens_are_no_fault(tmp_path: Path) -> None:
    assert told(model(tmp_path, config={"vocab_size": 2304})) == []


def test_what_transformers_makes_anew_is_left_to_the_worker(tmp_path: Path) -> None:
    odd = {"pre_tokenizer": split("odd+")}
    by_class = {"tokenizer_class": "GPT2Tokenizer"}
    assert told(model(tmp_path, tokenizer=odd, tokenizer_config=by_class)) == []
    assert FAMILIES["qwen3"].remade
    assert told(model(tmp_path, tokenizer=odd, config={"model_type": "qwen3"})) == []


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"hidden_act": "gelu"}, "no place for hidden_act='gelu'"),
        ({"rope_parameters": {"rope_type": "dynamic"}}, "rope_type='dynamic'"),
        ({"rope_parameters": None, "rope_scaling": {"type": "longrope"}}, "rope_type='longrope'"),
    ],
)
def test_what_a_config_asks_for_and_llama_cpp_lacks_is_told(
    config: dict[str, Any], why: str, tmp_path: Path
) -> None:
    (fault,) = told(model(tmp_path, config=config))
    assert why in fault
    assert not fault.startswith("export.gguf")


def test_files_that_are_not_here_say_nothing(tmp_path: Path) -> None:
    assert told(Model(path="org/of-the-hub")) == []
    assert told(Model(path=None)) == []
    (tmp_path / "config.json").write_text("{", "utf-8")
    assert told(Model(path=str(tmp_path))) == []


def test_words_that_llama_cpp_ends_at_combining_marks_are_said_and_not_refused(
    tmp_path: Path,
) -> None:
    whole = json.loads((TINY / "tokenizer.json").read_text("utf-8"))["model"]
    tekken = {"pre_tokenizer": split(TEKKEN), "model": whole | {"ignore_merges": True}}
    of = model(tmp_path, tokenizer=tekken)
    assert told(of) == []
    (remark,) = Gguf(llama_cpp="whoever/writes/it").remarks(of)
    assert "splits this tokenizer's words at combining marks" in remark
    assert list(Ollama().remarks(of)) == [remark]
    assert list(Gguf().remarks(Model(path="builtin:tiny"))) == []


def test_texts_of_the_gate_can_do_without_combining_marks() -> None:
    marked = "नमस्ते"
    assert any(marked in text for text in texts([], []))
    plain = texts([marked], [], combining=False)
    assert [text for text in plain if marked in text] == [marked]
    assert len(plain) == len(texts([], [])) == COUNT


def test_kinds_of_tokens_have_the_librarys_numbers() -> None:
    assert {kind.name: int(kind) for kind in TokenType} == {k.name: int(k) for k in Library}


def test_a_plan_needs_no_library_for_it() -> None:
    code = (
        "import sys; from ftrecipe.components.export.gguf import Gguf;"
        "from ftrecipe.components.model import Model;"
        "assert not list(Gguf().misfits({}, Model(path='builtin:tiny')));"
        "assert not {'gguf', 'numpy', 'torch'} & set(sys.modules), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
