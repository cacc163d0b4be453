"""What a typed path means: a leading ~/ is the home folder, any other ~ is just a letter."""

from pathlib import Path


def typed(text: str) -> Path:
    """Return the path that a person typed."""
    return Path(text).expanduser() if text == "~" or text.startswith("~/") else Path(text)
