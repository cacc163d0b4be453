"""The target `gguf`: its types, sizes and files, and what is told before anything runs."""

import json
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.components.export import Asking, Closeness, gguf
from ftrecipe.components.export.gguf import Gguf
from ftrecipe.components.model import Model
from ftrecipe.gguf import kquants
from ftrecipe.memory.architecture import read


def test_unknown_types_and_repeated_ones_are_told_together(cli: Cli) -> None:
    said = cli("plan", "export=[gguf]", "export.gguf.types=[q4km,f16,f16]")
    assert said.code == 2
    unknown, twice = said.faults
    assert unknown.startswith("export.gguf.types has no type 'q4km'; did you mean q4_k_m?")
    assert twice == "export.gguf.types names f16 twice; once is enough"


def test_a_checkout_that_is_none_is_told_and_needs_consent(cli: Cli, here: Path) -> None:
    said = cli("plan", "export=[gguf]", f"export.gguf.llama_cpp={here}")
    none, consent = said.faults
    assert "has no convert_hf_to_gguf.py" in none
    assert "add consent.remote_code=true on the command line" in consent


def test_a_program_is_run_where_a_person_says_so_alone(cli: Cli, here: Path) -> None:
    (here / "llama.cpp").mkdir()
    (here / "llama.cpp" / "convert_hf_to_gguf.py").write_text("")
    words = ("plan", "export=[gguf]", "export.gguf.llama_cpp=llama.cpp")
    assert cli(*words).code == 2
    assert cli(*words, "consent.remote_code=true").code == 0


def test_an_unknown_family_is_told_at_plan_time(cli: Cli, here: Path) -> None:
    (here / "model").mkdir()
    (here / "model" / "config.json").write_text('{"model_type": "gpt2"}')
    said = cli("plan", "export=[gguf]", "model.path=model", "model.parameters_b=0.1")
    assert "export=gguf: models of the kind gpt2 are not written here" in said.err


def test_rows_that_make_no_k_quants_are_told_at_plan_time() -> None:
    small = {"hidden_size": 576, "intermediate_size": 1000, "num_attention_heads": 9}
    model = read({"model_type": "llama", "vocab_size": 64, "num_hidden_layers": 1} | small)
    (told,) = Gguf(types=["q8_0", "q4_k_m"]).faults({}, model)
    assert told.startswith("types: q4_k_m takes 256 numbers of a row together")
    assert list(Gguf(types=["q8_0"]).faults({}, model)) == []


def test_a_table_of_words_that_no_quantized_type_takes_is_told_at_plan_time() -> None:
    small = {"hidden_size": 80, "intermediate_size": 256, "num_attention_heads": 2}
    model = read({"model_type": "llama", "vocab_size": 64, "num_hidden_layers": 1} | small)
    (told,) = Gguf(types=["q4_k_m"]).faults({}, model)
    assert "rows of 80 numbers, no multiple of 32" in told


def test_weights_that_k_quants_cannot_take_are_counted_before_they_are_made(tmp_path: Path) -> None:
    config = {
        "model_type": "llama", "vocab_size": 64, "num_hidden_layers": 1, "hidden_size": 288,
        "intermediate_size": 512, "num_attention_heads": 9, "tie_word_embeddings": True,
        "max_position_embeddings": 4096, "sliding_window": 512,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    rows, window = Gguf(types=["q4_k_m"]).remarks(Model(path=str(tmp_path)))
    assert rows.startswith("q4_k_m: 7 of 8 weights have rows of 288 numbers, no multiple of 256")
    assert "takes 512 tokens, not 4,096" in window
    assert len(list(Gguf(types=["q8_0"]).remarks(Model(path=str(tmp_path))))) == 1


def test_k_quants_without_a_quantizer_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kquants, "LIBRARY", "nowhere_to_be_found")
    monkeypatch.setattr(kquants, "PROGRAM", "nowhere-to-be-found")
    assert list(Gguf(types=["q8_0"]).lacks()) == []
    assert "nowhere-to-be-found" in next(Gguf(types=["q4_k_m"]).lacks())


def test_the_program_that_the_gate_loads_files_with_is_asked_for_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gguf, "RUNNER", "nowhere_to_be_found")
    assert "nowhere_to_be_found" in next(Gguf().lacks())


def test_sizes_follow_the_bits_and_count_what_is_between() -> None:
    assert Gguf().size(0, 16e9) == 16e9
    assert Gguf(types=["q8_0"]).size(0, 16e9) == pytest.approx(8.5e9)
    assert Gguf(types=["q4_k_m"]).size(0, 16e9) == pytest.approx(4.9e9 + 16e9)
    assert Gguf(types=["bf16"]).size(0, 16e9) == 16e9 + 32e9  # a copy that the gate computes with
    assert Gguf(types=["f16", "q4_k_m"]).size(0, 16e9) == pytest.approx(16e9 + 4.9e9)


def test_each_file_is_held_to_what_its_type_can_be(tmp_path: Path) -> None:
    for name in ("my-run-f16.gguf", "my-run-q4_k_m.gguf", "README.md"):
        (tmp_path / name).touch()
    made = Gguf(types=["f16", "q4_k_m"]).artefacts(tmp_path)
    assert {one.name: one.closeness for one in made} == {
        "my-run-f16.gguf": Closeness.rounded,
        "my-run-q4_k_m.gguf": Closeness.quantized,
    }
    (usage,) = Gguf().usage(Asking(tmp_path, "export/gguf", "my-run"))
    assert "llama-server -m export/gguf/my-run-f16.gguf" in usage.code
