"""Knows what WhatsApp writes itself, in the languages of `builtin/whatsapp.json`.

`*` stands for anything in a phrase; notices and namings are looked for anywhere in a text.
"""

import json
import re
import string
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from ftrecipe.components.dataset.whatsapp.headers import MARKS, SPACES
from ftrecipe.data.entries import Kind
from ftrecipe.data.files.locate import BUILTIN

MARK = "\u200e"  # the app sets it before what it wrote
_FILE = BUILTIN / "whatsapp.json"
_MARKS = re.compile(f"[{MARKS}]+")
_ODD_SPACES = re.compile(f"[{SPACES}]+")
_EDGES = string.whitespace + (
    "\x1c\x1d\x1e\x1f\x85\u00a0\u00ad\u061c\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060"
    "\u2066\u2067\u2068\u2069\u3000\ufeff"
)
_STOPS = ".。।!"
# Names that WhatsApp itself gives to files, whatever the language around them is.
_GIVEN_NAME = re.compile(
    r"(?:img|vid|aud|ptt|stk|doc)-\d{8}-wa\d{4,}\.\w{2,5} \([^()]+\)"
    r"|<[^<>:：]{2,40}[:：] ?\d{5,}-(?:photo|video|audio|gif|sticker|ptt|\w+)-[\d-]+\.\w{2,5}>"
)
_FILE_NAME = re.compile(r"\S\.\w{1,5}$")
# `Report.pdf • 3 pages`, before the placeholder of a document.
_DOCUMENT = re.compile(r"[^\n]*\.\w{1,5}(?: • [^\n]*)?")
_PLACE = re.compile(r"[^\W\d_][\w ]{0,30}: ?https?://(?:maps\.google\.|(?:www\.)?google\.\w+/maps|"
                    r"maps\.apple\.|(?:\w+\.)?foursquare\.)\S+$")  # fmt: skip
# `<Media omitted>` in any language: its own word, and more than that word.
_OMITTED = re.compile(
    r"<(?=[^<>]*(?:medi|médi|mídi|multim|mitjan|medya|медиа|медіа|мултимед|πολυμέσ|وسائط|رسانه|میڈیا"
    r"|מדיה|मीडिया|মিডিয়া|মিডিয়া|ஊடக|మీడియా|મીડિયા|メディア|미디어|媒体|媒體|สื่อ|phương tiện))"
    r"(?=[^<>]* |[^<>]*[^\W\da-z])[^<>\n\d:=/]{3,70}>"
)
FIRSTS = frozenset("\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067"
                    "\u2068\u2069\ufeff<")  # fmt: skip
LASTS = frozenset(">)）")  # of texts that may be more than words of their sender
_SHORT, _RECENT = 80, 1000
_TOLD = 500  # characters of a notice in which it says what it is about
START = 4  # characters of a phrase that are looked at first


class Said(NamedTuple):
    """What the text of a message comes to. media: whether a picture or the like came with it."""

    kind: Kind
    text: str
    edited: bool = False
    media: bool = False


def canonical(text: str) -> str:
    """Return a text as phrases are compared: no marks, usual spaces, small, no full stop."""
    seen = text if text.isascii() else _ODD_SPACES.sub(" ", _MARKS.sub("", text))
    return seen.casefold().strip().rstrip(_STOPS).replace("’", "'")


def trimmed(text: str) -> str:
    """Return a text without the marks and spaces around it."""
    return text.strip() if text.isascii() else text.strip(_EDGES)


class Phrases:
    """The phrases of all languages, ready to be looked up."""

    def __init__(self) -> None:
        languages = json.loads(_FILE.read_text(encoding="utf-8")).values()

        def of(what: str) -> list[str]:
            return sorted({canonical(text) for language in languages for text in language[what]})

        whole = {text: Kind.media for text in of("media") if "*" not in text}
        whole |= {text: Kind.deleted for text in of("deleted") if "*" not in text}
        self.whole = whole
        self.deleted = _any(text for text in of("deleted") if "*" in text)
        self.edited = frozenset(of("edited"))
        self.after_name = sorted(
            (text for text in of("attached") if "*" not in text), key=len, reverse=True
        )
        self.attached = _any(text for text in of("attached") if "*" in text)
        self.encrypted = _any(of("encrypted"))
        self.secured = re.compile(f"{self.encrypted.pattern}|(?:{_any(of('calls')).pattern})"
                                  rf"(?:[.,]? (?:\w{{1,4}} )?\d{{1,2}}[:.]\d\d(?: [ap]\.?m)?)?",
                                  re.DOTALL)  # fmt: skip
        self.secured_starts = frozenset(text[:START] for text in [*of("encrypted"), *of("calls")])
        self.starts = frozenset(text[:START] for text in whole) | self.secured_starts
        self.notices = _search([*of("notices"), *of("calls")])
        self._recent: dict[str, Said] = {}  # what short texts are, which come again and again
        self.namings = _search(of("naming"))

    def said(self, text: str) -> Said:
        """Return what a message says, without the app's marks, and what it is."""
        if len(text) > _SHORT:
            return self._said(text)
        if (known := self._recent.get(text)) is None:
            if len(self._recent) > _RECENT:
                self._recent.clear()
            self._recent[text] = known = self._said(text)
        return known

    def _said(self, text: str) -> Said:
        words, edited = self._unedited(trimmed(text))
        return self._media(words, edited) or Said(self._kind(words), words, edited)

    def _unedited(self, text: str) -> tuple[str, bool]:
        """Return a text without the mark that says it was edited, and whether it had one."""
        at = text.rfind("<") if text.endswith(">") else -1
        if at >= 0 and canonical(text[at + 1 : -1]) in self.edited:
            return trimmed(text[:at]), True
        return text, False

    def _kind(self, text: str) -> Kind:
        plain = canonical(text)
        kind = self.whole.get(plain)
        if kind is None and self.deleted.fullmatch(plain):
            return Kind.deleted
        return kind or Kind.message

    def _media(self, text: str, edited: bool) -> Said | None:
        """Return what a placeholder of media is, with a caption below it or before its mark."""
        first, _, below = text.partition("\n")
        caption = trimmed(below)
        if self._is_placeholder(first) and not (caption and canonical(first) == "null"):
            if caption:
                return Said(Kind.message, caption, edited, True)
            return Said(Kind.media, trimmed(first), edited)
        above, mark, last = text.rpartition(MARK)
        if not mark or not self._is_placeholder(last):
            return None
        caption = trimmed(above)
        if not caption or _DOCUMENT.fullmatch(caption):
            return Said(Kind.media, trimmed(text).replace(MARK, ""), edited)
        return Said(Kind.message, caption, edited, True)

    def _is_placeholder(self, line: str) -> bool:
        plain = canonical(line)
        if self.whole.get(plain) is Kind.media or ("://" in plain and _PLACE.match(plain)):
            return True
        if plain[-1:] not in LASTS:
            return False
        if any(known.fullmatch(plain) for known in (_GIVEN_NAME, self.attached, _OMITTED)):
            return True
        end = next((end for end in self.after_name if plain.endswith(end)), None)
        return end is not None and bool(_FILE_NAME.search(plain.removesuffix(end).rstrip()))

    def is_notice(self, text: str, sender: str) -> bool:
        """Say whether what stands after a sender's name is a notice of the app.

        Without the app's mark it must be a whole known sentence; with it, speak of what notices
        speak of, or begin with the sender's own name (`Bob: Bob left`).
        """
        plain = canonical(text)
        if plain[:START] in self.secured_starts and self.secured.fullmatch(plain):
            return True
        if not text.lstrip().startswith(MARK) or "\n" in plain:  # polls have several lines
            return False
        own = canonical(sender)
        return plain.startswith(f"{own} ") or bool(self.notices.search(plain[:_TOLD]))

    def secures(self, text: str) -> bool:
        """Say whether a notice tells that a chat is encrypted, as the first of each does."""
        return self.encrypted.fullmatch(canonical(text)) is not None

    def names_something(self, text: str) -> bool:
        """Say whether what stands before a colon is a notice that names something after it."""
        return bool(self.namings.search(canonical(text)))


def _any(phrases: Iterable[str]) -> re.Pattern[str]:
    """Match any of the phrases as a whole; `*` is anything."""
    return re.compile("|".join(re.escape(text).replace(r"\*", ".*") for text in phrases), re.DOTALL)


def _search(phrases: Iterable[str]) -> re.Pattern[str]:
    """Find any of the phrases; in scripts that have spaces they begin where a word does."""
    starts = [("(?<!\\w)" if text[0] < "\u0e00" else "") + re.escape(text) for text in phrases]
    return re.compile("|".join(starts))


@cache
def phrases() -> Phrases:
    """Return the phrases, read once."""
    return Phrases()
