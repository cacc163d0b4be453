"""What a path means: which place a person typed, and how much lies there."""

from pathlib import Path


def typed(text: str) -> Path:
    """Return the path that a person typed: a leading ~/ is the home folder, another ~ a letter."""
    return Path(text).expanduser() if text == "~" or text.startswith("~/") else Path(text)


def bytes_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())
