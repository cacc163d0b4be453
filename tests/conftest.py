"""What tests of the front share: its command line, run in this process or in one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answers import ROOT, Cli, Said
from hypothesis import HealthCheck, settings

from ftrecipe.__main__ import main

# The same examples in every run, however slow the machine: a search of new ones is asked for.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")

# Before torch is imported: as in a worker, idle threads sleep; and no test asks a hub.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over a folder's files without a slow test where only those are asked for.

    Most files have none, and what they import takes each worker seconds.
    """
    if config.option.markexpr != "slow" or not collection_path.match("test_*.py"):
        return None
    return None if "mark.slow" in collection_path.read_text("utf-8") else True


@pytest.fixture(autouse=True)
def _no_secret_values_left() -> Iterator[None]:
    """Take away what a command of this process gave its workers, as the end of it would."""
    yield
    for name in [name for name in os.environ if name.startswith("FTRECIPE_SECRET_")]:
        del os.environ[name]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with no recipes of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FTRECIPE_PATH", raising=False)
    return tmp_path


@pytest.fixture
def faq(here: Path) -> str:
    """A small data file in the working folder."""
    rows = "".join(f"What is {n}?,It is {n}.\n" for n in range(20))
    (here / "faq.csv").write_text(f"question,answer\n{rows}", "utf-8")
    return "faq.csv"


@pytest.fixture
def cli(here: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command line in this process, in an empty folder."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        code = main(words)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


@pytest.fixture
def process(here: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run Python in a process of its own that can import ftrecipe, in an empty folder."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *words],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=here,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def recipe(here: Path) -> Callable[[str, str], Path]:
    """Write a recipe of the working folder."""

    def write(name: str, text: str) -> Path:
        file = here / "recipes" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return file

    return write
