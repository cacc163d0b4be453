"""Says in which encoding a file's text is, and finds the bytes that are not text."""

import codecs
import re
from typing import IO, NamedTuple

from ftrecipe.data.example import RowFault
from ftrecipe.data.files.charsets import legacy
from ftrecipe.data.files.western import western
from ftrecipe.errors import DataError, did_you_mean

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"),
          (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_KNOWN = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "ascii", "latin-1", "cp1252", "cp1251",
          "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "iso8859-2",
          "iso8859-15", "koi8-r", "cp866", "cp437", "cp850", "mac-roman", "big5", "gb18030",
          "gbk", "shift_jis", "cp932", "euc_jp", "iso2022_jp", "euc_kr", "cp949")  # fmt: skip
_BAD_BYTE = re.compile("[\udc80-\udcff]")
_WIDE = re.compile("[^\0-\x7f\udc80-\udcff]")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r"))
_HIGH = re.compile(rb"[\x80-\xff]")

ESCAPE = "ftrecipe.escape"  # how text is decoded: `surrogateescape` for any encoding
_PIECE = 2**20
_CHECKED = 2**26  # bytes; a fault behind them is a row's
_SAMPLE = 2**13  # bytes of lines that are not ASCII, from all over the file
_FEW = 2  # broken bytes of a file that is whole otherwise
_SOME = 8  # bytes that have to be words to tell an encoding
_SPARSE = 0.015  # of letters that are not ASCII, in a text that has only a few
_CUT = re.compile(  # the beginnings of characters of UTF-8 whose ends are missing
    rb"(?:[\xe0-\xef][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{1,2})(?![\x80-\xff])"
)


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Give the bytes that did not decode as lone surrogates, also those of wide encodings."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + max(byte, 0x80)) for byte in bad), error.end


codecs.register_error(ESCAPE, _escape)


def detect(file: IO[bytes], name: str) -> str:
    """Return the encoding of a file's text by Python's name; `name` is for errors.

    Text that is UTF-8 but for a few broken bytes is UTF-8: their rows are at fault. Bytes that
    are the accents and quotation marks of cp1252, where those belong, are not broken.
    """
    start = file.read(_PIECE)
    marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    if marked or (marked := _wide(start)):
        return marked
    if b"\x1b$" in start and _decodes(start, "iso2022_jp"):
        return "iso2022_jp"
    count = _counted(file, start)
    if not count.bad:
        return "utf-8"
    if count.valid >= (1 if count.bad <= _FEW else 2) * count.bad:
        return "utf-8"
    sparse = not count.valid and (count.bad <= _FEW or count.bad < count.seen * _SPARSE)
    if sparse and western(count.sample):
        return "cp1252"
    if count.bad <= _FEW or _CUT.sub(b"", count.sample).isascii():
        return "utf-8"
    return legacy(count.sample, count.bad <= _SOME) or "utf-8"


class _Count(NamedTuple):
    """How much of a file is UTF-8: bytes seen, characters of several bytes, bytes of none."""

    seen: int
    valid: int
    bad: int
    sample: bytes


def _counted(file: IO[bytes], piece: bytes) -> _Count:
    seen = valid = bad = 0
    sample = bytearray()
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    while piece:
        seen += len(piece)
        if not piece.isascii():
            text = decoder.decode(piece)
            broken = 0 if _encodes(text) else len(_BAD_BYTE.findall(text))
            bad += broken
            # Exact where it matters; else at least half of them.
            held = len(decoder.getstate()[0])  # the beginning of a character
            more = len(piece) - held - len(text)
            valid += len(_WIDE.findall(text)) if broken else (more + 1) // 2
            sample += _high_lines(piece, _SAMPLE // 4 if sample else _SAMPLE // 2)
        if seen >= _CHECKED:
            break
        piece = file.read(_PIECE)
    bad += len(_BAD_BYTE.findall(decoder.decode(b"", final=seen < _CHECKED)))
    return _Count(seen, valid, bad, bytes(sample[:_SAMPLE]))


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _high_lines(piece: bytes, most: int) -> bytes:
    """Return the first lines that are not ASCII, without long ASCII ends."""
    found = bytearray()
    for line in piece.split(b"\n"):
        first = _HIGH.search(line)
        if first is not None:
            found += line[max(0, first.start() - 64) :][:most] + b"\n"
        if len(found) >= most:
            break
    return bytes(found[:most])


def _decodes(start: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _wide(start: bytes) -> str | None:
    """Return UTF-16 or UTF-32 without a mark: ASCII characters are every second byte NUL."""
    start = start[:8192]
    if b"\0" not in start or _is_stray(start):
        return None
    nul = [start[at::4].count(0) / max(1, len(start[at::4])) for at in range(4)]
    if min(nul[2:]) > 0.9 and nul[0] < 0.2:
        return "utf-32-le"
    if min(nul[:2]) > 0.9 and nul[3] < 0.2:
        return "utf-32-be"
    for encoding, ascii_ends in (
        ("utf-16-le", (b"\n\0", b" \0")),
        ("utf-16-be", (b"\0\n", b"\0 ")),
    ):
        if (
            _decodes(start, encoding)
            and _aligned(start, ascii_ends)
            and not _decoy(start, encoding)
        ):
            return encoding
    return None


def _is_stray(start: bytes) -> bool:
    """Say whether a few NULs are all that is strange in ASCII: broken text, and no wide one."""
    wide = sum(map(len, _HIGH.findall(start)))
    control = len(start) - len(start.translate(None, _CONTROL)) - start.count(0)
    return start.count(0) * 5 < len(start) and not control and wide * 10 < len(start)


def _aligned(start: bytes, marks: tuple[bytes, ...]) -> bool:
    """Say whether the NULs are the other half of ASCII characters."""
    side = 1 if marks[0].endswith(b"\0") else 0
    here, there = start[side::2].count(0), start[1 - side :: 2].count(0)
    return here > 9 * there


def _decoy(start: bytes, encoding: str) -> bool:
    """Say whether what comes out is characters that nobody writes."""
    text = codecs.getincrementaldecoder(encoding)().decode(start)
    odd = sum(not char.isprintable() and char not in "\r\n\t\ufeff" for char in text)
    return odd * 10 > len(text)


def known_encoding(name: str) -> str:
    """Return Python's name of an encoding that a person wrote. Raises DataError for none."""
    try:
        "".encode(name)
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        hint = did_you_mean(name.lower(), _KNOWN)
        raise DataError(f"dataset.encoding={name}: no encoding of this name{hint}") from None
    return "latin-1" if found == "iso8859-1" else found


def bad_byte(text: str) -> tuple[int, int] | None:
    """Return position and value of the first byte that did not decode."""
    if text.isascii():
        return None
    found = _BAD_BYTE.search(text)
    return (found.start(), ord(found.group()) - 0xDC00) if found else None


def refuse_bad_bytes(text: str) -> None:
    """Raise RowFault when `text` holds a byte that is no text in the file's encoding."""
    if bad := bad_byte(text):
        raise RowFault(f"not UTF-8 text (byte 0x{bad[1]:02x}); save the file as UTF-8, "
                       "or set dataset.encoding")  # fmt: skip
