"""K-quants: made by what is installed, told where they fall back, nothing else is lost."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from tiny_gguf import TINY, tiny_gguf

from ftrecipe.errors import ConfigError, StageError
from ftrecipe.gguf.kinds import KINDS
from ftrecipe.gguf.kquants import lack, quantize

INDIRECT = [name for name, kind in KINDS.items() if not kind.direct]
PROGRAM = f"""#!/bin/sh
exec {sys.executable} -c '
import sys
from cyllama.llama.llama_cpp import LlamaModelQuantizeParams, model_quantize
params = LlamaModelQuantizeParams()
params.ftype, params.nthread = {{"Q4_K_M": 15}}[sys.argv[3]], int(sys.argv[4])
model_quantize(sys.argv[1], sys.argv[2], params)
' "$@"
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf(tmp_path_factory.mktemp("gguf"), "f16")[0]


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "cyllama" else find(name)
    )


def put_program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "llama-quantize"
    program.write_text(PROGRAM, "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def small(folder: Path, sizes: tuple[int, int]) -> Path:
    """Write a model of one layer whose tables have rows of these sizes."""
    inner, outer = sizes
    writer = GGUFWriter(folder / "small.gguf", "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(inner)
    writer.add_feed_forward_length(outer)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    for name, shape in (
        ("token_embd", (32, inner)),
        ("blk.0.attn_q", (inner, inner)),
        ("blk.0.ffn_down", (inner, outer)),
    ):
        writer.add_tensor(f"{name}.weight", np.random.default_rng(0).random(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return folder / "small.gguf"


@pytest.mark.slow
@pytest.mark.parametrize("kind", INDIRECT)
def test_every_k_quant_is_made_and_smaller(kind: str, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.gguf"
    assert quantize(source, target, kind) is None
    reader = GGUFReader(target)
    assert reader.fields["general.file_type"].contents() == KINDS[kind].code
    assert any(tensor.tensor_type.name.endswith("_K") for tensor in reader.tensors)
    assert target.stat().st_size < source.stat().st_size * (KINDS[kind].bits + 1.5) / 16


@pytest.mark.slow
def test_template_tokens_and_metadata_are_those_of_the_source(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.gguf"
    quantize(source, target, "q4_k_m")
    before, after = GGUFReader(source).fields, GGUFReader(target).fields
    template = (TINY / "chat_template.jinja").read_text("utf-8")
    assert after["tokenizer.chat_template"].contents() == template
    kept = [name for name in before if not name.startswith("GGUF.") and "file_type" not in name]
    assert {n: after[n].contents() for n in kept} == {n: before[n].contents() for n in kept}


@pytest.mark.slow
def test_a_program_on_the_path_makes_the_same_file_without_the_library(
    source: Path, tmp_path: Path, without_library: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_program(tmp_path, monkeypatch)
    quantize(source, tmp_path / "by_program.gguf", "q4_k_m")
    monkeypatch.undo()
    quantize(source, tmp_path / "by_library.gguf", "q4_k_m")
    by_program, by_library = tmp_path / "by_program.gguf", tmp_path / "by_library.gguf"
    assert by_program.read_bytes() == by_library.read_bytes()


def test_weights_that_become_another_type_are_counted(tmp_path: Path) -> None:
    target = tmp_path / "out.gguf"
    note = quantize(small(tmp_path, (64, 256)), target, "q4_k_m")
    kinds = Counter(tensor.tensor_type for tensor in GGUFReader(target).tensors)
    assert kinds[GGMLQuantizationType.Q6_K] + kinds[GGMLQuantizationType.Q4_K] == 1
    assert note is not None
    assert "q4_k_m: 2 of 3 weights have rows that are no multiple of 256 numbers" in note
    assert "became Q" in note


def test_a_model_of_which_no_weight_can_be_k_quantised_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "out.gguf"
    with pytest.raises(ConfigError, match=r"no weight has rows of a multiple of 256.*take q8_0"):
        quantize(small(tmp_path, (64, 96)), target, "q4_k_m")
    assert not target.exists()


def test_a_broken_source_is_told_and_leaves_no_target(tmp_path: Path) -> None:
    source, target = small(tmp_path, (64, 256)), tmp_path / "out.gguf"
    source.write_bytes(source.read_bytes()[:-100])
    with pytest.raises(StageError, match=r"out\.gguf cannot be made: .*corrupted or incomplete"):
        quantize(source, target, "q4_k_m")
    assert not target.exists()


def test_with_neither_library_nor_program_both_are_named(
    tmp_path: Path, without_library: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    why = lack()
    assert why is not None
    assert "cyllama" in why
    assert "llama-quantize" in why
    with pytest.raises(ConfigError, match="neither is here"):
        quantize(tmp_path / "in.gguf", tmp_path / "out.gguf", "q4_k_m")


@pytest.mark.parametrize("there", ["library", "program"])
def test_one_of_both_is_enough(
    there: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if there == "program":
        request.getfixturevalue("without_library")
        put_program(tmp_path, monkeypatch)
    assert lack() is None
