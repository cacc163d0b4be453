"""Opens text files, plain or .gz, in UTF-8 or UTF-16; finds the bytes that are not text."""

import codecs
import gzip
import re
from pathlib import Path
from typing import IO, TextIO, cast

from ftrecipe.data.example import RowFault

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_BAD_BYTE = re.compile("[\udc80-\udcff]")


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacking .gz on the way."""
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def open_text(path: Path) -> TextIO:
    """Open as text with line ends as they are; bytes that are not UTF-8 become surrogates."""
    with open_bytes(path) as raw:
        start = raw.read(4)
    encoding = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
    opener = gzip.open if path.suffix == ".gz" else open
    opened = opener(path, "rt", encoding=encoding, errors="surrogateescape", newline="")
    return cast(TextIO, opened)


def bad_byte(text: str) -> tuple[int, int] | None:
    """Return position and value of the first byte that did not decode."""
    if text.isascii():
        return None
    found = _BAD_BYTE.search(text)
    return (found.start(), ord(found.group()) - 0xDC00) if found else None


def refuse_bad_bytes(text: str) -> None:
    """Raise RowFault when `text` holds a byte that is not UTF-8."""
    if bad := bad_byte(text):
        raise RowFault(f"not UTF-8 text (byte 0x{bad[1]:02x}); save the file as UTF-8")
