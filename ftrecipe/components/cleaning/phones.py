"""Hides phone numbers."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from ftrecipe.components.cleaning import GROUP, Log, package_faults
from ftrecipe.components.cleaning.masking import Hider, Masking
from ftrecipe.data.example import Example
from ftrecipe.errors import did_you_mean

_GAP = r"[ \u00a0\u202f().\u2010-\u2015/-]{0,3}"
_INTERNATIONAL = re.compile(rf"(?<![\w)])[+\uff0b]{_GAP}\d(?:{_GAP}\d){{6,14}}(?!\w|[.,]\d)")
_DIALED = re.compile(rf"(?<![\w.,/+-])00({_GAP}[1-9](?:{_GAP}\d){{7,14}})(?![\w-]|[.,]\d)")
_GROUPED = re.compile(  # 202-555-0143, (202) 555-0143: three digits, three, four
    r"(?<![\w.,/+-])(?<![$€£] )(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[.-]\d{4}(?![\w-]|[.,]\d)"
)
_GAPS = r"[ \u00a0\u202f\u2010-\u2015/-]"
_TRUNK = re.compile(  # 0171 2345678, (030) 123 45 67, 0171/2345678: an area code, then more
    rf"(?<![\w.,:/+#-])(?<!\d{{3}}{_GAPS})(?:0[1-9]\d{{1,3}}|\(0[1-9]\d{{1,3}}\)){_GAPS}{{1,3}}"
    rf"\d{{2,}}(?:{_GAPS}\d{{2,}}){{0,4}}(?![\w-]|[.,:]\d|{_GAPS}{{1,3}}\d(?!\d?:\d\d))"
)
# What may be one as well, for a person to look at: 01712345678, 06 12 34 56 78, 415 555 2671.
_MAYBE = re.compile(
    rf"(?<![\w.,:/+#-])(?<!\d{{3}}{_GAPS})(?:0[1-9](?:{_GAPS}?\d){{7,11}}|\d{{3}} \d{{3}} \d{{4}})"
    r"(?![\w-]|[.,:]\d| \d)"
)
_NAMED = re.compile(  # a number that is called one
    r"(?:\b(?:tel|fon|fax|phone|telephone|telefon|téléphone|teléfono|telefono|telefone|mobile?|"
    r"cell|handy|móvil|whatsapp|call me|text me|sms)(?:e|nummer| number| no| nr)?\b[.:]{0,2}"
    rf"(?: (?:at|is|on|ist|es|:))? ?)(\(?\d(?:{_GAP}\d){{6,14}})(?!\w|[.,]\d)",
    re.IGNORECASE,
)
_NAMES = ("tel", "tél", "fon", "fax", "phone", "mobil", "cell", "handy", "móvil", "whatsapp",
          "call me", "text me", "sms")  # fmt: skip
_LONG = re.compile(r"\d(?:[ \u00a0\u202f().\u2010-\u2015/-]{0,3}\d){6}")
_DOTTED = re.compile(r"\. |(?:^|\D)\d{1,2}\.\d")  # an IP address, a version, two sentences
# What stands before a number of another kind.
_NO_PHONE = re.compile(
    r"(?:[#$€£]|\b(?:order|invoice|ticket|case|id|no|nr|number|isbn|issn|ref|reference|version|"
    r"bestellung|rechnung|pedido|factura|commande))[\s.:#=-]*$",
    re.IGNORECASE,
)


def hide_phones(text: str, tag: str, region: str | None = None) -> str:
    """Return text with `tag` in place of phone numbers, without a region only of evident ones."""
    if not _LONG.search(text):
        return text
    if "+" in text or "\uff0b" in text:
        text = _INTERNATIONAL.sub(lambda match: tag if _is_possible(match[0]) else match[0], text)
    if "00" in text:
        text = _DIALED.sub(lambda match: tag if _is_valid(f"+{match[1]}") else match[0], text)
    text = _GROUPED.sub(lambda match: _unless_other(match, tag), text)
    if "0" in text:
        text = _TRUNK.sub(lambda match: _if_long_enough(match, tag), text)
    if any(map(text.lower().__contains__, _NAMES)):
        text = _NAMED.sub(lambda match: match[0][: match.start(1) - match.start()] + tag, text)
    return _of_region(text, tag, region) if region and _LONG.search(text) else text


def _unless_other(match: re.Match[str], tag: str) -> str:
    before = match.string[max(0, match.start() - 20) : match.start()]
    return match[0] if _NO_PHONE.search(before) else tag


def _if_long_enough(match: re.Match[str], tag: str) -> str:
    digits = sum(map(str.isdigit, match[0]))
    return _unless_other(match, tag) if 9 <= digits <= 13 else match[0]


def note_numbers(example: Example, region: str | None, log: Log) -> None:
    """Tell of what may be a number as a country writes it, where no region says which country."""
    if region is None:
        left = sum(
            not _NO_PHONE.search(text[max(0, match.start() - 20) : match.start()])
            for text in example.texts()
            if _LONG.search(text)
            for match in _MAYBE.finditer(text)
        )
        if left:
            log.note("Numbers that may be national phone numbers stay ({count:,} of them); set "
                     f"cleaning.{log.rule}.region=DE, say.", left)  # fmt: skip


def _is_possible(number: str) -> bool:
    from phonenumbers import NumberParseException, is_possible_number, parse

    try:
        return is_possible_number(parse(number, None))
    except NumberParseException:
        return False


def _is_valid(number: str) -> bool:
    from phonenumbers import NumberParseException, is_valid_number, parse

    try:
        return is_valid_number(parse(number, None))
    except NumberParseException:
        return False


def _of_region(text: str, tag: str, region: str) -> str:
    """Hide also what the library takes for a valid number written as people of the region do."""
    from phonenumbers import PhoneNumberMatcher

    parts, end = [], 0
    for match in PhoneNumberMatcher(text, region, max_tries=100 + len(text) // 20):
        other = _NO_PHONE.search(text[max(0, match.start - 20) : match.start])
        if not other and not _DOTTED.search(match.raw_string):
            parts += [text[end : match.start], tag]
            end = match.end
    return "".join([*parts, text[end:]])


def region_faults(region: str | None) -> list[str]:
    """Say so if a region is not one whose numbers are known, or nothing knows any."""
    if missing := package_faults("region", "phonenumbers"):
        return missing
    from phonenumbers import SUPPORTED_REGIONS

    if region is None or region in SUPPORTED_REGIONS:
        return []
    hint = did_you_mean(region.upper(), sorted(SUPPORTED_REGIONS))
    return [
        f"region={region}: not a country whose numbers are known, in two capitals: US, DE{hint}"
    ]


@GROUP.option("phones")
@dataclass
class Phones(Masking):
    """Numbers that begin with +, are called a phone, or look like 202-555-0143 or 0171 2345678.

    region: a country (US, DE), whose numbers are found also as they are written there.
    """

    tag: str = "<PHONE>"
    region: str | None = None

    def hiders(self) -> list[Hider]:
        return [Hider("phone", self.tag, partial(hide_phones, region=self.region), digits=7)]

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        for example in super().examples(examples, log):
            note_numbers(example, self.region, log)
            yield example

    def faults(self) -> list[str]:
        return region_faults(self.region) or self.tag_faults()
