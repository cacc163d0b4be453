"""The target `gguf`: its types, sizes and files, and what is told before anything runs."""

from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.components.export import Asking, Closeness, gguf
from ftrecipe.components.export.gguf import Gguf
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
    assert "export.gguf.types: models of the kind gpt2 are not written here" in said.err


def test_rows_that_make_no_k_quants_are_told_at_plan_time() -> None:
    small = {"hidden_size": 576, "intermediate_size": 1000, "num_attention_heads": 9}
    model = read({"model_type": "llama", "vocab_size": 64, "num_hidden_layers": 1} | small)
    (told,) = Gguf(types=["q8_0", "q4_k_m"]).faults({}, model)
    assert told.startswith("types: q4_k_m takes 256 numbers of a row together")
    assert list(Gguf(types=["q8_0"]).faults({}, model)) == []


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
