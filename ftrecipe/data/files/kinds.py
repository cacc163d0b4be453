"""Says by a file's first bytes what it is, whatever its name says, and refuses what is no data."""

import re
from pathlib import PurePosixPath

from ftrecipe.errors import DataError

HEAD = 4096  # bytes that are looked at

_MARKUP_ENDINGS = (".html", ".htm", ".xhtml", ".xml", ".svg")
_BINARY = {
    b"PAR1": "parquet",
    b"ARROW1\0\0": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream, as `datasets` saves it
}
_FOREIGN = (
    (b"%PDF-", "a PDF; export its text"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file; export it as CSV"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF87a", "a picture (GIF)"),
    (b"GIF89a", "a picture (GIF)"),
    (b"SQLite format 3\0", "an SQLite database; export its table as CSV"),
    (b"GGUF", "model weights (GGUF)"),
    (b"\x93NUMPY", "a NumPy array; save the rows as JSONL or Parquet"),
    (b"\x89HDF\r\n", "an HDF5 file; save the rows as JSONL or Parquet"),
    (b"Obj\x01", "an Avro file; save the rows as JSONL or Parquet"),
    (b"ORC", "an ORC file; save the rows as Parquet"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it"),
    (b"PK\x03\x04", "a zip file inside another packed file; unpack it"),
    (b"\x7fELF", "a program"),
    (b"OggS", "a recording"),
    (b"ID3", "a recording (MP3)"),
    (b"{\\rtf", "a Rich Text file; save it as plain text"),
)
_OF_TEXT = (b"%PDF-", b"{\\rtf")
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_SAFETENSORS = re.compile(rb'.{5}\0{3}\{\s*"', re.DOTALL)
_LFS = b"version https://git-lfs.github.com/spec/"
_HTML = re.compile(
    rb"(<!--.{0,2000}?-->\s*)*(<!doctype\s+html|<html|<head|<body|<title)", re.I | re.S
)
_CONTROL = bytes(set(range(32)) - {8, 9, 10, 11, 12, 13, 26, 27, 30})
_MARKS = re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff")


def kind_of(head: bytes, name: str) -> str:
    """Return what the file that begins with `head` is: text, parquet or arrow.

    Raises DataError for what cannot be data, saying what it is.
    """
    for mark, kind in _BINARY.items():
        if _begins(head, mark):
            return kind
    if what := _foreign(head):
        raise DataError(f"{name} is {what}" if ";" in what else f"{name} is {what}; it is no data")
    _refuse_text(head, name)
    return "text"


def _foreign(head: bytes) -> str | None:
    for mark, what in _FOREIGN:
        if _begins(head, mark):
            return what
    if _PICKLE.match(head):
        return "a Python pickle, which may run code when it is opened"
    if _SAFETENSORS.match(head):
        return "model weights (safetensors)"
    if head[:1] == b"\0" and head[4:8] == b"ftyp":
        return "a recording or a film (MP4)"
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"WAVE", b"AVI "):
        return "a picture, a recording or a film"
    return "a tar archive; unpack it" if head[257:262] == b"ustar" else None


def _begins(head: bytes, mark: bytes) -> bool:
    """Say whether a file begins with a mark; a word alone may also begin a text."""
    if not head.startswith(mark):
        return False
    return mark in _OF_TEXT or not mark.isascii() or len(head.translate(None, _CONTROL)) < len(head)


def _refuse_text(head: bytes, name: str) -> None:
    """Raise DataError for text that stands in the place of data, and for bytes that are no text."""
    start = _MARKS.sub(b"", head, count=1).lstrip()
    if start.startswith(_LFS):
        raise DataError(f"{name} is a Git LFS pointer, not the data; run git lfs pull")
    markup = PurePosixPath(name).suffix.lower() in _MARKUP_ENDINGS
    ending = PurePosixPath(name).suffix or "data"
    if not markup and _HTML.match(start.replace(b"\0", b"")):
        raise DataError(f"{name} is an HTML page, not {ending}; was a login page or a 404 saved?")
    if not markup and start.startswith(b"<?xml"):
        raise DataError(f"{name} is an XML file, not {ending}")
    if head and not head.strip(b"\0"):
        raise DataError(f"{name} holds nothing but NUL bytes; copy or download it again")
    # Text in UTF-16 or UTF-32 is full of NULs and has no other control characters.
    strange = len(head) - len(head.translate(None, _CONTROL[1:]))
    if strange * 20 > len(head) and not _MARKS.match(head):
        raise DataError(f"{name} is a binary file of an unknown kind; it is no data")
