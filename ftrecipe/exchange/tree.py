"""Files of a recipe's source, read one by one: nothing is followed, run or unpacked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from ftrecipe.errors import ConfigError

LARGEST = 1 << 20  # bytes of one file that comes along with a recipe


class Tree(Protocol):
    """Files by their path below a root."""

    def has(self, name: str) -> bool:
        """Tell whether there is anything of this path, with `/` between folders."""
        ...

    def read(self, name: str) -> bytes:
        """Return a file's bytes. Raises ConfigError for what is no plain small text file."""
        ...


@dataclass(frozen=True)
class Folder:
    """Files of a folder on this machine."""

    root: Path

    def has(self, name: str) -> bool:
        """Tell whether there is anything of this path."""
        return os.path.lexists(self.root / name)

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        file = self.root
        for part in PurePosixPath(name).parts:
            file /= part
            if file.is_symlink():
                raise ConfigError(f"{file}: is a link; a shared recipe holds plain files only")
        if not file.is_file():
            raise ConfigError(f"{file}: there is no such file")
        if file.stat().st_size > LARGEST:
            raise too_large(str(file), file.stat().st_size)
        return text_only(str(file), file.read_bytes())


@dataclass(frozen=True)
class Fetched:
    """Files that were fetched whole."""

    files: Mapping[str, bytes]

    def has(self, name: str) -> bool:
        """Tell whether this was fetched."""
        return name in self.files

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        if name not in self.files:
            raise ConfigError(f"{name}: there is no such file")
        return text_only(name, self.files[name])


def too_large(name: str, size: int) -> ConfigError:
    """Return the refusal of a file that is data rather than part of a recipe."""
    return ConfigError(
        f"{name}: has {size:,} bytes; what comes with a recipe has at most {LARGEST:,} "
        "(share data and weights another way, and name where they are)"
    )


def text_only(name: str, data: bytes) -> bytes:
    """Return `data`. Raises ConfigError where it is not text."""
    if b"\0" in data:
        raise ConfigError(f"{name}: is a binary file; a recipe brings text only")
    return data
