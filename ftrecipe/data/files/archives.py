"""Opens what is packed, by its first bytes: gzip, zstandard, bzip2, xz, zip; finds no files."""

import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from ftrecipe.errors import DataError

PACKED = {".gz": "gzip", ".zst": "zst", ".bz2": "bzip2", ".xz": "xz"}

_BUFFER = 2**18
_DEPTH = 3  # a .gz in a .gz happens; more does not
_BOMB_BYTES = 2**29
_BOMB_RATIO = 900  # gzip packs zeros 1030 times, text hardly ever 100 times
_ZST_STEP = 8192  # packed bytes at a time: what they unpack to stays below 300 MB


class _Zst(io.RawIOBase):
    """The unpacked bytes of zstandard frames; raises EOFError when the last one is cut off."""

    def __init__(self, packed: IO[bytes]) -> None:
        from zstandard import ZstdDecompressor

        self._packed = packed
        self._frames = ZstdDecompressor()
        self._frame: Any = None
        self._ready = memoryview(b"")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and self._more():
            pass
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _more(self) -> bool:
        """Unpack the next piece; return whether there was one."""
        from zstandard import ZstdError

        packed = self._rest or self._packed.read(_ZST_STEP)
        if not packed:
            if self._frame is not None:
                raise EOFError("it ends in the middle")
            return False
        if self._frame is None:
            self._frame = self._frames.decompressobj()
        try:
            self._ready = memoryview(self._frame.decompress(packed))
        except ZstdError as error:
            raise EOFError(str(error)) from None
        self._rest = self._frame.unused_data if self._frame.eof else b""
        self._frame = None if self._frame.eof else self._frame
        return True


def _gzip(packed: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=packed))


_PACKINGS: dict[str, tuple[bytes, Callable[[IO[bytes]], Any]]] = {
    "gzip": (rb"\x1f\x8b\x08", _gzip),
    "zst": (rb"\x28\xb5\x2f\xfd", _Zst),
    "bzip2": (rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", bz2.BZ2File),
    "xz": (rb"\xfd7zXZ\x00", lzma.LZMAFile),
}


class _Unpacking(io.RawIOBase):
    """Bytes as they are unpacked, which tells of broken files and of those made to fill memory."""

    def __init__(self, inner: Any, outer: Any, packing: str, name: str, stored: int) -> None:
        self._inner, self._outer = inner, outer
        self._packing, self._name = packing, name
        self._most = max(_BOMB_BYTES, _BOMB_RATIO * stored)
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count = self._inner.readinto(buffer)
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise DataError(f"{self._name} is not a whole {self._packing} file: {error}") from None
        self._count += count
        if self._count > self._most:
            raise DataError(f"{self._name} unpacks to more than {self._count:,} bytes, over "
                            f"{_BOMB_RATIO} times its size; it is no data")  # fmt: skip
        return count

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            self._outer.close()
        super().close()


def unpacked(raw: IO[bytes], name: str, stored: int) -> "tuple[io.BufferedReader[Any], list[str]]":
    """Return the bytes without their packing, and the names of the packings taken off.

    stored: how many bytes the file has where it lies. Raises DataError as it is read.
    """
    buffered = isinstance(raw, io.BufferedReader)
    file: Any = raw if buffered else io.BufferedReader(cast(Any, raw))
    found: list[str] = []
    while len(found) < _DEPTH and (packing := _packing(file)):
        found.append(packing)
        inner = _PACKINGS[packing][1](file)
        file = io.BufferedReader(_Unpacking(inner, file, packing, name, stored), _BUFFER)
    return file, found


def _packing(file: Any) -> str | None:
    start = file.peek(10)[:10]
    return next((name for name, (mark, _) in _PACKINGS.items() if re.match(mark, start)), None)


def is_zip(start: bytes) -> bool:
    """Say whether a file that begins so is a zip file."""
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def open_zip(file: Path | IO[bytes], name: str) -> zipfile.ZipFile:
    """Open a zip file. Raises DataError for a broken one and for documents that are zip files."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        raise DataError(f"{name} is not a whole zip file: {error}") from None
    if what := _document(archive.namelist()):
        raise DataError(f"{name} is {what}" if ";" in what else f"{name} is {what}; it is no data")
    return archive


def _document(names: list[str]) -> str | None:
    if "[Content_Types].xml" in names:
        if any(name.startswith("xl/") for name in names):
            return "an Excel file; export the sheet as CSV"
        return "a Word or PowerPoint file; save its text as .txt"
    if "mimetype" in names and "content.xml" in names:
        return "an OpenDocument file; export it as CSV or text"
    if any(name.endswith("/data.pkl") for name in names):
        return "a PyTorch checkpoint"
    return "a set of NumPy arrays" if names and all(n.endswith(".npy") for n in names) else None


def open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> IO[bytes]:
    """Open one file of a zip file. Raises DataError for one that cannot be read."""
    if info.flag_bits & 1:
        raise DataError(f"{name} is encrypted; unpack it with its password")
    try:
        inner = archive.open(info)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError,
            ValueError) as error:  # fmt: skip
        raise DataError(f"{name} cannot be read from its zip file: {error}") from None
    guard = _Unpacking(inner, inner, "zip", name, max(info.compress_size, 1))
    return io.BufferedReader(guard, _BUFFER)
