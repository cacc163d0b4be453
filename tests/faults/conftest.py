"""What the tests of faults share: a working folder with a small data file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from commanding import Told, ftrecipe, rows

Run = Callable[..., Told]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A working folder with good data in faq.jsonl."""
    (tmp_path / "faq.jsonl").write_text(rows(60))
    return tmp_path


@pytest.fixture
def run(work: Path) -> Run:
    """Run the real command in the working folder."""

    def command(*words: str, **environment: str) -> Told:
        return ftrecipe(work, *words, **environment)

    return command
