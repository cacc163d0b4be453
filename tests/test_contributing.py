"""CONTRIBUTING.md's diffs are real: applied to a copy of the project, each adds its option."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("ftrecipe", "conf", "recipes", "pyproject.toml")


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with all diffs applied."""
    copy = tmp_path_factory.mktemp("project")
    leave = shutil.ignore_patterns("__pycache__", "tiny")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=leave)
        else:
            shutil.copy(source, copy / part)
    diffs = re.findall(r"```diff\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.S)
    assert len(diffs) == 5
    subprocess.run(["git", "apply", "-"], input="".join(diffs), text=True, cwd=copy, check=True)
    (copy / "quiz.csv").write_text(
        "category,clue,winning_response\n" + "".join(f"Rivers,clue {n},r{n}\n" for n in range(20))
    )
    return copy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["peft=loha", "peft.r=4"], "r=4 alpha=16"),
        (["dataset=quiz.csv"], "quiz"),
        (["cleaning=[shouting]"], "min_chars=20"),
        (["export=[float16]"], "float16"),
        (["eval=[brevity]"], "brevity"),
    ],
)
def test_diff_adds_an_option_that_can_be_planned(
    words: list[str], shown: str, extended: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ftrecipe", "plan", *words, "model=org/name"],
        cwd=extended, env=os.environ | {"PYTHONPATH": str(extended)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout
