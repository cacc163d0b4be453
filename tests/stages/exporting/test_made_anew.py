"""Of an export that is made anew, those files are missed that are not made again."""

from pathlib import Path

from ftrecipe.rundir import write_json
from ftrecipe.stages.export import left_out


def judged(folder: Path, *names: str) -> Path:
    """Write a gate.json that has judged so much."""
    write_json(folder / "gate.json", {"artefacts": [{"name": name} for name in names]})
    return folder


def test_files_that_are_not_made_again_are_missed(tmp_path: Path) -> None:
    old = judged(tmp_path / "old", "x-f16.gguf", "x-q8_0.gguf")
    for name in ("x-f16.gguf", "x-q8_0.gguf"):
        (old / name).touch()
    assert left_out(old, judged(tmp_path / "new", "x-f16.gguf")) == {"x-q8_0.gguf"}
    assert left_out(tmp_path / "none", old) == set()


def test_model_on_a_server_is_no_file_of_the_folder(tmp_path: Path) -> None:
    old = judged(tmp_path / "old", "x-f16.gguf", "support:tuned")
    (old / "x-f16.gguf").touch()
    assert left_out(old, judged(tmp_path / "new", "x-f16.gguf")) == set()
