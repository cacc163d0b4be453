"""A file of conversations, one a line: each is replaced as it grows, and never half written."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ftrecipe.components.dataset.chatlog import Chatlog
from ftrecipe.errors import ConfigError

PACKED = (".gz", ".zst", ".zip", ".bz2", ".xz")


class ChatFile:
    """One such file; several chats may write to it at once, each its own conversations."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def check(self) -> None:
        """Raise ConfigError where the file is of another kind, or cannot be written."""
        folder = self.path.parent
        if self.path.suffix in PACKED:
            raise ConfigError(f"{self.path}: a log is written as it is; name it <something>.jsonl")
        if not folder.is_dir():
            raise ConfigError(f"{self.path}: there is no folder {folder}")
        if self.path.exists() and not self.path.is_file():
            raise ConfigError(f"{self.path}: is no file; name one, <something>.jsonl")
        if not os.access(folder, os.W_OK) or (
            self.path.exists() and not os.access(self.path, os.R_OK | os.W_OK)
        ):
            raise ConfigError(f"{self.path}: cannot be written by you")
        for number, line in enumerate(self._lines(), 1):
            if line.strip() and not _is_row(line):
                raise ConfigError(
                    f"{self.path} line {number} is no row of a chat log (id, created, messages); "
                    "name a new file, or one that a chat has written"
                )

    def put(self, row: dict[str, Any]) -> None:
        """Write a conversation in place of what the file has of it, or after all others.

        Whoever looks sees the old file or the new one, also after a power cut.
        """
        own = json.dumps(row["id"]).encode()
        fresh = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._alone():
            lines = self._lines()
            if lines and not lines[-1].endswith(b"\n"):
                lines[-1] += b"\n"
            there = [at for at, line in enumerate(lines) if own in line and _id(line) == row["id"]]
            lines = [line for at, line in enumerate(lines) if at not in there]
            lines.insert(there[0] if there else len(lines), fresh)
            self._replace(b"".join(lines))

    def remove(self, name: str) -> None:
        """Take a conversation out, of which nothing is left."""
        with self._alone():
            lines = self._lines()
            kept = [line for line in lines if _id(line) != name]
            if len(kept) < len(lines):
                self._replace(b"".join(kept))

    def _lines(self) -> list[bytes]:
        return self.path.read_bytes().splitlines(keepends=True) if self.path.is_file() else []

    def _replace(self, content: bytes) -> None:
        mode = self.path.stat().st_mode & 0o777 if self.path.exists() else None
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if mode is not None:
                fresh.chmod(mode)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        fresh.replace(self.path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other chats from writing, by a lock on the folder, since the file itself changes."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _is_row(line: bytes) -> bool:
    try:
        row = json.loads(line)
    except ValueError:
        return False
    return isinstance(row, dict) and Chatlog.fits(row)


def _id(line: bytes) -> str | None:
    try:
        return json.loads(line).get("id")
    except (ValueError, AttributeError):
        return None
