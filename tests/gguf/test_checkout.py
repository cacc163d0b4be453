"""The converter of a checkout of llama.cpp: run as it is meant to be, its failures told."""

import json
from pathlib import Path

import pytest
from gguf import GGUFReader

from ftrecipe.errors import ConfigError, StageError
from ftrecipe.gguf.checkout import SCRIPT, check, convert, fault

CONVERTER = """
import argparse, json
from pathlib import Path
from gguf import GGUFWriter
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("model", type=Path)
parser.add_argument("--outfile", type=Path)
parser.add_argument("--outtype")
asked = parser.parse_args()
config = json.loads((asked.model / "config.json").read_text())
writer = GGUFWriter(asked.outfile, config["model_type"])
writer.add_string("asked.type", asked.outtype)
writer.add_tensor("token_embd.weight", np.zeros((4, 8), np.float16))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
"""


def checkout(folder: Path, script: str = CONVERTER) -> Path:
    there = folder / "llama.cpp"
    there.mkdir()
    (there / SCRIPT).write_text(script, "utf-8")
    return there


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    folder = tmp_path / "merged model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "gemma3"}), "utf-8")
    return folder


def test_the_converter_writes_the_file_of_the_type_asked_for(merged: Path, tmp_path: Path) -> None:
    target = tmp_path / "it's there.gguf"
    convert(checkout(tmp_path), merged, target, "bf16")
    fields = GGUFReader(target).fields
    assert fields["general.architecture"].contents() == "gemma3"
    assert fields["asked.type"].contents() == "bf16"


def test_the_last_lines_of_a_converter_that_fails_are_told(merged: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; Path(sys.argv[3]).write_bytes(b'half')\n"
        "print('INFO: loading'); sys.exit('Model Foo is not supported')"
    )
    target = tmp_path / "out.gguf"
    with pytest.raises(StageError, match=r"exit code 1\).*Model Foo is not supported"):
        convert(checkout(tmp_path, script), merged, target, "f16")
    assert not target.exists()


def test_packages_that_a_converter_lacks_are_told_with_their_list(
    merged: Path, tmp_path: Path
) -> None:
    there = checkout(tmp_path, "import mistral_common_of_nobody")
    needs = there / "requirements" / "requirements-convert_hf_to_gguf.txt"
    with pytest.raises(StageError) as told:
        convert(there, merged, tmp_path / "out.gguf", "f16")
    assert f"it needs packages of its own, see {needs}" in str(told.value)
    assert "No module named 'mistral_common_of_nobody'" in str(told.value)


def test_a_converter_is_started_once_before_it_is_needed(tmp_path: Path) -> None:
    check(checkout(tmp_path))
    (tmp_path / "llama.cpp" / SCRIPT).write_text("import mistral_common_of_nobody")
    with pytest.raises(ConfigError, match=r"export\.gguf\.llama_cpp=.*it needs packages"):
        check(tmp_path / "llama.cpp")


def test_a_converter_that_writes_nothing_has_failed(merged: Path, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="it printed nothing"):
        convert(checkout(tmp_path, ""), merged, tmp_path / "out.gguf", "f16")


def test_a_folder_without_the_script_is_no_checkout(merged: Path, tmp_path: Path) -> None:
    assert "no such folder" in (fault(tmp_path / "nowhere") or "")
    assert SCRIPT in (fault(merged) or "")
    with pytest.raises(ConfigError, match=r"export\.gguf\.llama_cpp=.*has no convert_hf_to_gguf"):
        convert(merged, merged, tmp_path / "out.gguf", "f16")
    assert fault(checkout(tmp_path)) is None
