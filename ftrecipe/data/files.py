"""Finds the files behind a path: plain, packed, in an archive, a folder or a glob, or behind a URL.

What is in them is read elsewhere (`records.py`, and the formats' own readers).
"""

import glob
import gzip
import io
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, TextIO, cast

from ftrecipe.data.encoding import detect
from ftrecipe.errors import DataError, listed

PACKED = (".gz", ".zst")


@dataclass(frozen=True)
class DataFile:
    """One file of data, wherever it lies; `name` is what people are told.

    size: bytes as stored. opener: opens the unpacked bytes.
    """

    name: str
    size: int
    opener: Callable[[], IO[bytes]]
    path: Path | None = None  # where it lies, for readers that map a file into memory

    @property
    def ending(self) -> str:
        """Return the ending that says how it is read: `.jsonl` of `a.jsonl.gz`."""
        return ending(self.name)

    def open(self) -> IO[bytes]:
        """Open its unpacked bytes."""
        return self.opener()

    @cached_property
    def encoding(self) -> str:
        """The encoding of its text, by Python's name, found from its bytes."""
        with self.open() as file:
            return detect(file, self.name)

    def text(self) -> TextIO:
        """Open as text, line ends as they are; bytes of no character become lone surrogates."""
        raw = self.open()
        return io.TextIOWrapper(raw, self.encoding, errors="surrogateescape", newline="")


def ending(name: str) -> str:
    """Return the ending that says how a file is read, packing apart."""
    suffixes = [s.lower() for s in PurePosixPath(name).suffixes if s.lower() not in PACKED]
    return suffixes[-1] if suffixes else ""


def data_files(path: Path, endings: Sequence[str]) -> list[DataFile]:
    """Return the files behind `path` that have one of `endings`, sorted by name.

    A file that was named is taken whatever its ending is; a folder, a glob and a zip are searched.
    Raises DataError when there is none.
    """
    if path.is_file():
        return _of_zip(path, endings) if _is_zip(path) else [_plain(path, path.name)]
    if path.is_dir():
        found = [(file, file.relative_to(path).as_posix()) for file in sorted(path.rglob("*"))]
    else:
        matches = sorted(glob.glob(os.fspath(path), recursive=True))
        found = [(Path(match), Path(match).name) for match in matches]
    visible = [(file, name) for file, name in found if file.is_file() and not _hidden(name)]
    files: list[DataFile] = []
    for file, name in visible:
        if _is_zip(file):
            files += _of_zip(file, endings, name)
        elif ending(name) in endings:
            files.append(_plain(file, name))
    if not files:
        raise DataError(f"{path} holds no data files ({listed(sorted(endings))})")
    return files


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and zipfile.is_zipfile(path)


def _plain(path: Path, name: str) -> DataFile:
    return DataFile(name, path.stat().st_size, lambda: _unpacked(path.open("rb"), name), path)


def _of_zip(path: Path, endings: Sequence[str], name: str | None = None) -> list[DataFile]:
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
    kept = [m for m in members if ending(m.filename) in endings and not _hidden(m.filename)]
    if not kept and name is None:
        raise DataError(f"{path.name} holds no data files ({listed(sorted(endings))})")
    return [_member(path, name or path.name, info) for info in kept]


def _member(path: Path, shown: str, info: zipfile.ZipInfo) -> DataFile:
    def opened() -> IO[bytes]:
        return _unpacked(zipfile.ZipFile(path).open(info), info.filename)

    return DataFile(f"{shown}/{info.filename}", info.file_size, opened)


def _unpacked(raw: IO[bytes], name: str) -> IO[bytes]:
    if name.lower().endswith(".gz"):
        return cast(IO[bytes], gzip.open(raw))
    return raw
