"""What tests of Ollama share: a stand-in server, and a file that begins as a GGUF does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stand_in import StandIn, serving


@pytest.fixture
def ollama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in that has nothing yet."""
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    with serving(tmp_path / "blobs") as state:
        yield state


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    """A file of three megabytes and a bit, with a GGUF's first letters."""
    file = tmp_path / "faq-q8_0.gguf"
    file.write_bytes(b"GGUF" + b"weights!" * 400_000)
    return file
