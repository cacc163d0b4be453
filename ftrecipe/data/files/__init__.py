"""Finds the files behind a path: plain, packed, in an archive, a folder or a glob, or behind a URL.

What is in them is read elsewhere (`records.py`, and the formats' own readers).
"""

import glob
import io
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, TextIO

from ftrecipe.data.files.archives import PACKED, is_zip, open_member, open_zip, unpacked
from ftrecipe.data.files.encoding import ESCAPE, detect, known_encoding
from ftrecipe.data.files.kinds import HEAD, kind_of
from ftrecipe.data.files.urls import Remote, Url, remote_files
from ftrecipe.digest import sha256
from ftrecipe.errors import DataError, listed

# What `datasets` and LLaMA-Factory write beside their rows; named like data.
_ABOUT = ("dataset_info.json", "dataset_infos.json")
_SIDE_FILES = (*_ABOUT, "dataset_dict.json", "state.json")


@dataclass(frozen=True)
class DataFile:
    """One file of data, wherever it lies; `name` is what people are told.

    size: bytes as stored. opener: opens the stored bytes. asked_encoding: set by hand.
    notes: what was unusual about it, and is no fault.
    """

    name: str
    size: int
    opener: Callable[[], IO[bytes]]
    path: Path | None = None  # where it lies, for readers that map a file into memory
    asked_encoding: str | None = None
    notes: list[str] = field(default_factory=list, compare=False)

    @property
    def ending(self) -> str:
        """Return the ending that says how it is read: `.jsonl` of `a.jsonl.gz`."""
        return ending(self.name)

    @cached_property
    def kind(self) -> str:
        """What its bytes are: text, parquet or arrow. Raises DataError for what is no data."""
        return self._look[0]

    @property
    def plain(self) -> Path | None:
        """Where the very bytes lie that `open` gives, if they are anywhere unpacked."""
        return None if self._look[1] else self.path

    @cached_property
    def _look(self) -> tuple[str, list[str]]:
        """Its kind, and its packings; what is not as the name says goes to `notes`."""
        file, packings = unpacked(self.opener(), self.name, self.size)
        with file:
            found = kind_of(file.read(HEAD), self.name)
        said = [s.lower() for s in PurePosixPath(self.name).suffixes]
        for packing in packings:
            if packing not in [PACKED[suffix] for suffix in said if suffix in PACKED]:
                self.notes.append(f"{self.name} is packed with {packing}, though not named so")
        if found != "text" and self.ending != f".{found}":
            self.notes.append(f"{self.name} is a {found} file, though not named so")
        return found, packings

    def open(self) -> IO[bytes]:
        """Open its unpacked bytes. Raises DataError for what is no data, such as a web page."""
        assert self.kind
        return unpacked(self.opener(), self.name, self.size)[0]

    @cached_property
    def encoding(self) -> str:
        """The encoding of its text, by Python's name: as asked, or found from its bytes."""
        if self.asked_encoding is not None:
            return known_encoding(self.asked_encoding)
        with self.open() as file:
            return detect(file, self.name)

    def text(self) -> TextIO:
        """Open as text, line ends as they are; bytes of no character become lone surrogates."""
        raw = self.open()
        return io.TextIOWrapper(raw, self.encoding, errors=ESCAPE, newline="")


def ending(name: str) -> str:
    """Return the ending that says how a file is read, packing apart."""
    suffixes = [s.lower() for s in PurePosixPath(name).suffixes if s.lower() not in PACKED]
    return suffixes[-1] if suffixes else ""


def data_files(
    path: Path | Url, endings: Sequence[str], encoding: str | None = None
) -> list[DataFile]:
    """Return the files behind `path` that have one of `endings`, sorted by name.

    A file that was named is taken whatever its ending is; a folder, a glob and a zip are searched.
    encoding: that of the text, where it should not be found from the bytes.
    Raises DataError when there is none.
    """
    if encoding is not None:
        known_encoding(encoding)
    seen: list[str] = []
    files = _without_notes(list(_found(path, endings, seen)), endings)
    if not files:
        raise DataError(_nothing(path, endings, seen))
    return [replace(file, asked_encoding=encoding) for file in files] if encoding else files


def _found(path: Path | Url, endings: Sequence[str], seen: list[str]) -> Iterator[DataFile]:
    """Yield the files that have one of `endings`; the names of all go to `seen`."""

    def wanted(name: str) -> bool:
        if _hidden(name):
            return False
        seen.append(name)
        return ending(name) in (*endings, ".zip")

    if isinstance(path, Url):
        for name, remote in remote_files(path, wanted):
            yield from _one(_remote(name, remote), endings, seen, named=len(seen) == 0)
    elif path.is_file():
        yield from _one(_plain(path, path.name), endings, seen, named=True)
    else:
        local = [(file, name) for file, name in stored(path) if wanted(name)]
        arrow = any(ending(name) == ".arrow" for _, name in local)
        for file, name in local:
            if not (arrow and file.name in _SIDE_FILES):
                yield from _one(_plain(file, name), endings, seen, named=False)


def stored(path: Path) -> list[tuple[Path, str]]:
    """Return the files of a folder or a glob, or the file itself, each with a name, sorted."""
    if path.is_file():
        return [(path, path.name)]
    if path.is_dir():
        if (path / "dataset_dict.json").is_file():
            splits = sorted(part.name for part in path.iterdir() if part.is_dir())
            raise DataError(f"{path} holds several splits ({listed(splits)}); name one of them")
        return [(f, f.relative_to(path).as_posix()) for f in sorted(path.rglob("*")) if f.is_file()]
    found = [Path(match) for match in sorted(glob.glob(os.fspath(path), recursive=True))]
    parts = path.parts
    fixed = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    base = Path(*parts[:fixed])
    return [(file, file.relative_to(base).as_posix()) for file in found if file.is_file()]


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _without_notes(files: list[DataFile], endings: Sequence[str]) -> list[DataFile]:
    """Leave out what only tells of the data beside it: its description, read-mes and licences."""
    files = [file for file in files if PurePosixPath(file.name).name not in _ABOUT] or files
    if ".txt" not in endings or len(endings) == 1:
        return files
    return [file for file in files if file.ending != ".txt"] or files


def _nothing(path: Path | Url, endings: Sequence[str], seen: list[str]) -> str:
    known = listed(sorted(endings))
    if not seen:
        return f"{path} holds no data files ({known}); it is empty"
    kinds = Counter(ending(name) or "without an ending" for name in seen).most_common()
    held = listed([f"{count:,} {kind}" for kind, count in kinds], 8)
    return f"{path} holds no data files ({known}); it holds {held}"


def _plain(path: Path, name: str) -> DataFile:
    return DataFile(name, path.stat().st_size, lambda: path.open("rb"), path)


def _remote(name: str, remote: Remote) -> DataFile:
    return DataFile(name, remote.size, remote.open)


def _one(
    file: DataFile, endings: Sequence[str], seen: list[str], named: bool
) -> Iterator[DataFile]:
    """Yield the file, or what a zip file holds."""
    with file.opener() as raw:
        start = raw.read(4)
    if is_zip(start):
        archive = open_zip(file.path or file.opener(), file.name)
        yield from _of_zip(archive, file.name, endings, seen, named)
    elif file.ending == ".zip" and file.kind == "text":
        raise DataError(f"{file.name} is not a zip file")
    elif named or ending(file.name) in endings:
        yield file


def _of_zip(
    archive: zipfile.ZipFile, shown: str, endings: Sequence[str], seen: list[str], named: bool
) -> Iterator[DataFile]:
    members = [m for m in archive.infolist() if not m.is_dir() and not _hidden(m.filename)]
    seen += [member.filename for member in members]
    for info in sorted(members, key=lambda member: member.filename):
        if (named and len(members) == 1) or ending(info.filename) in endings:
            yield _member(archive, shown, info)


def _member(archive: zipfile.ZipFile, shown: str, info: zipfile.ZipInfo) -> DataFile:
    name = f"{shown}/{info.filename}"
    return DataFile(name, info.file_size, lambda: open_member(archive, info, name))


def digests(path: Path | Url, endings: Sequence[str]) -> Iterator[str]:
    """Yield name and SHA-256 of each stored file; of a URL, what its server tells about it."""
    if isinstance(path, Url):
        for name, remote in remote_files(path, lambda name: not _hidden(name)):
            yield f"{name} {remote.mark()}"
        return
    for file, name in stored(path):
        if path.is_file() or (ending(name) in (*endings, ".zip") and not _hidden(name)):
            yield f"{name} {sha256(file)}"
