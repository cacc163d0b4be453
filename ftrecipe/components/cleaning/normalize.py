"""Brings text into one form of Unicode and of white space; words, lines and indentation stay."""

import re
import unicodedata
from dataclasses import dataclass
from html.entities import html5

from ftrecipe.components.cleaning import GROUP, TextCleaning, package_faults
from ftrecipe.data.example import Completion, Example

_ROUNDS = 4  # one step can uncover work for another: an entity that stands for a space

# Scripts and emoji in which zero-width (non-)joiners are part of the spelling.
_JOINED = (
    "\u0600-\u07ff\u0840-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
    "\u20e3\ufe0f\u2190-\u2bff\U0001f000-\U0001faff"
)
_STRAY_JOINER = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])")
_SPACE = "\u00a0\u2000-\u200a\u202f\u205f\u3000"
_LINE_END = "\r\x0b\x0c\x85\u2028\u2029"
_UNSEEN = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
)
_TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007f]+)|[\U000e0000-\U000e007f]+")
_ODD = re.compile(f"[{_SPACE}{_LINE_END}{_UNSEEN}\u200c\u200d\ud800-\udfff\U000e0000-\U000e007f]")
_SPACES = re.compile(f"[{_SPACE}]")
_LINE_ENDS = re.compile(f"\r\n|[{_LINE_END}]")
_UNSEENS = re.compile(f"[{_UNSEEN}]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n{4,}")
_RUN = re.compile(r"(?<=\S)[ \t]{2,}")
# The encodings that UTF-8 is taken for by mistake, and what its first bytes and the others become.
_MISTAKEN = ("latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1257", "iso8859-2",
             "mac_roman", "cp437")  # fmt: skip
_FIRST, _REST = (
    re.escape("".join(sorted({c for name in _MISTAKEN for c in held.decode(name, "ignore")})))
    for held in (bytes(range(0xC2, 0xF5)), bytes(range(0x80, 0xC0)))
)
_SUSPICIOUS = re.compile(f"[{_FIRST}][{_REST}]|[\x80-\x9f]|Ã ")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPED_AGAIN = re.compile(r"&(?:(?:amp|#38|#x26);)+", re.IGNORECASE)
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_MARKUP = re.compile(
    r"</[a-z]|<(?:[abipu]|br|div|span|img|html|table|ul|ol|li|h[1-6]|tr|td|!--)\b", re.IGNORECASE
)
_QUOTES = str.maketrans("“”„‟«»‘’‚‛", '""""""' + "''''")
_MARKS = re.compile(r"[^\w\s]|_")


@GROUP.option("normalize")
@dataclass
class Normalize(TextCleaning):
    """One form for what looks the same: NFC, plain spaces and line ends, nothing invisible.

    Entities are left in code and in text with HTML tags, where they are part of it. The ends of
    a raw prompt and its completion keep their spaces, since the two are put together.
    """

    entities: bool = True
    fix_mojibake: bool = True
    collapse_spaces: bool = False  # inside lines; breaks what is aligned with spaces
    quotes: bool = False  # curly to straight
    lowercase: bool = False
    strip_punctuation: bool = False

    def text(self, text: str) -> str:
        return self._normal(text, strip=True)

    def cleaned(self, example: Example) -> Example:
        if isinstance(example, Completion):
            return example.map(lambda text: self._normal(text, strip=False))
        return example.map(self.text)

    def faults(self) -> list[str]:
        return package_faults("fix_mojibake", "ftfy") if self.fix_mojibake else []

    def reasons(self, text: str) -> list[str]:
        found = {
            "entities": self.entities and _unescaped(text) != text,
            "mojibake": self.fix_mojibake and bool(_SUSPICIOUS.search(text))
            and _unmangled(text) != text,
            "form of Unicode": not unicodedata.is_normalized("NFC", text),
            "invisible characters": _seen(text) != _SPACES.sub(" ", _LINE_ENDS.sub("\n", text)),
            "case, quotes, marks or spaces as asked": self._asked(text) != text,
        }  # fmt: skip
        return [why for why, true in found.items() if true] or ["white space"]

    def _normal(self, text: str, strip: bool) -> str:
        wanted = self.collapse_spaces or self.lowercase or self.strip_punctuation or self.quotes
        for _ in range(_ROUNDS):
            if not wanted and _is_plain(text):
                return text.rstrip() if strip else text
            before = text
            text = self._characters(text)
            text = self._asked(text) if wanted else text
            text = _lines(text, strip)
            if text == before:
                break
        return text

    def _characters(self, text: str) -> str:
        if self.entities and "&" in text and ";" in text:
            text = _unescaped(text)
        if text.isascii():
            return _ascii(text)
        if self.fix_mojibake and _SUSPICIOUS.search(text):
            text = _unmangled(text)
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
        if _ODD.search(text):
            text = unicodedata.normalize("NFC", _seen(text))
        return text

    def _asked(self, text: str) -> str:
        if self.quotes:
            text = text.translate(_QUOTES)
        if self.lowercase:
            text = text.lower()
        if self.strip_punctuation:
            text = _MARKS.sub(_symbol, text)
        if self.collapse_spaces:
            text = "".join(part if code else _RUN.sub(" ", part) for part, code in _parts(text))
        return text


def _is_plain(text: str) -> bool:
    """Say at little cost that there is nothing to do, for one line of ASCII or a few."""
    return (
        text.isascii()
        and "&" not in text
        and " \n" not in text
        and "\n\n\n" not in text
        and not text.startswith("\n")
        and text.replace("\n", "").isprintable()
    )


def _ascii(text: str) -> str:
    if text.isprintable():
        return text
    if "\r" in text or "\x0b" in text or "\x0c" in text:
        text = _LINE_ENDS.sub("\n", text)
    return _UNSEENS.sub("", text)


def _seen(text: str) -> str:
    """Return text without invisible characters, its spaces and line ends being plain ones."""
    text = _SPACES.sub(" ", _LINE_ENDS.sub("\n", text))
    text = _TAGS.sub(lambda match: match[1] or "", _UNSEENS.sub("", text))
    return _SURROGATES.sub("\ufffd", _STRAY_JOINER.sub("", text))


def _lines(text: str, strip: bool) -> str:
    """Return text without trailing spaces, and with two blank lines in a row at most."""
    if " \n" in text or "\t\n" in text:
        lines = text.split("\n")
        text = "\n".join([*(line.rstrip(" \t") for line in lines[:-1]), lines[-1]])
    if "\n\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n\n", text)
    return text.rstrip().lstrip("\n") if strip else text


def _parts(text: str) -> list[tuple[str, bool]]:
    """Divide a text into what is not code and what is, in order."""
    if "`" not in text:
        return [(text, False)]
    return [(part, bool(number % 2)) for number, part in enumerate(_CODE.split(text))]


def _unescaped(text: str) -> str:
    """Return text with the characters that its entities name, those that end with a semicolon."""
    if not _ENTITY.search(text) or _MARKUP.search(text):
        return text
    return "".join(
        part if code else _ENTITY.sub(_character, _ESCAPED_AGAIN.sub(_once, part))
        for part, code in _parts(text)
    )


def _once(match: re.Match[str]) -> str:
    """Return `&amp;amp;` as `&amp;`, and `&amp;` before the name of an entity as `&`."""
    rest = match.string[match.end() : match.end() + 34]
    return "&" if _ENTITY.match("&" + rest) else "&amp;"


def _character(match: re.Match[str]) -> str:
    if match[0][1] != "#":
        return html5.get(match[0][1:], match[0])
    from html import unescape

    return unescape(match[0])


def _unmangled(text: str) -> str:
    from ftfy import fix_encoding

    return fix_encoding(text)


def _symbol(match: re.Match[str]) -> str:
    return "" if unicodedata.category(match[0]).startswith("P") else match[0]
