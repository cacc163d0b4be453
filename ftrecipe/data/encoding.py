"""Says in which encoding a file's text is, and finds the bytes that are not text."""

import codecs
import re
from typing import IO

from ftrecipe.data.example import RowFault

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_BAD_BYTE = re.compile("[\udc80-\udcff]")


def detect(file: IO[bytes], name: str) -> str:
    """Return the encoding of a file's text by Python's name; `name` is for errors."""
    start = file.read(4)
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "utf-8")


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
