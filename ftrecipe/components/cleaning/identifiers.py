"""Finds numbers that name a person, an account or a device, by their form and check digits."""

import ipaddress
import re

_CARD = re.compile(
    r"(?<![\w.,+-])(?:\d{12,19}|\d{4}([ \u00a0.-])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?"
    r"|\d{4}([ \u00a0.-])\d{6}\2\d{4,5})(?![\w-]|[.,]\d)"
)
_IBAN = re.compile(r"(?<![^\W_])([A-Z]{2})\d{2}[ \u00a0-]?[A-Z0-9]{4}", re.IGNORECASE | re.ASCII)
_IBAN_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA",
    30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_LENGTHS = {country: n for n, countries in _IBAN_LENGTHS.items() for country in countries.split()}
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\w:])",
                   re.IGNORECASE)  # fmt: skip
_VERSION = re.compile(r"(?:version|release|build|ver\.?|v\.?|section|§)\s*$", re.IGNORECASE)
_MAC = re.compile(r"(?<![\w:-])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![\w:-])",
                  re.IGNORECASE)  # fmt: skip
_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")
_CPF = re.compile(r"(?<![\w.])\d{3}\.\d{3}\.\d{3}-\d\d(?!\w)")  # Brazil
_DNI = re.compile(r"(?<!\w)[XYZ\d]\d{7}-?[A-HJ-NP-TV-Z](?!\w)")  # Spain
_IDNR = re.compile(r"(?<![\w.,+-])[1-9]\d(?:\d{9}| \d{3} \d{3} \d{3})(?![\w-]|[.,]\d)")  # Germany
_NIR = re.compile(  # France; Corsica has letters
    r"(?<![\w.,+-])[12] ?\d\d ?\d\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d(?![\w-]|[.,]\d)"
)
_AADHAAR = re.compile(r"(?<![\w.,+-])(?<!\d )[2-9]\d{3} \d{4} \d{4}(?![\w-]|[.,]\d| \d)")  # India
_NHS = re.compile(r"(?<![\w.,+-])(?<!\d )\d{3} \d{3} \d{4}(?![\w-]|[.,]\d| \d)")  # Britain
_DIGITS = re.compile(r"\D")


def luhn(digits: str) -> bool:
    """Say whether the last of the digits checks the others, as on a card."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _is_card(text: str) -> bool:
    digits = _DIGITS.sub("", text)
    issued = digits[0] in "3456" or "22" <= digits[:2] <= "27"
    return issued and 12 <= len(digits) <= 19 and len(set(digits)) > 1 and luhn(digits)


def hide_cards(text: str, tag: str) -> str:
    """Return text with `tag` in place of card numbers: 12 to 19 digits with a right check digit."""
    return _CARD.sub(lambda match: tag if _is_card(match[0]) else match[0], text)


def _iban_end(text: str, start: int, country: str) -> int:
    """Return where the account number that begins at `start` ends; 0 if it is none."""
    length, end, compact = _LENGTHS.get(country, 0), start, ""
    while end < len(text) and len(compact) < length:
        if text[end].isascii() and text[end].isalnum():
            compact += text[end].upper()
        elif text[end] not in " \u00a0-":
            return 0
        end += 1
    if not compact or len(compact) < length or text[end : end + 1].isalnum():
        return 0
    number = "".join(str(int(character, 36)) for character in compact[4:] + compact[:4])
    return end if int(number) % 97 == 1 else 0


def hide_ibans(text: str, tag: str) -> str:
    """Return text with `tag` in place of account numbers whose check digits are right."""
    parts, done = [], 0
    for match in _IBAN.finditer(text):
        end = _iban_end(text, match.start(), match[1].upper())
        if end and match.start() >= done:
            parts += [text[done : match.start()], tag]
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _is_address(match: re.Match[str]) -> bool:
    """Say whether it is an address of a machine that is not this one, nor a version or a time."""
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified or match[0].startswith("255."):
        return False
    if address.version == 4:
        before = match.string[max(0, match.start() - 10) : match.start()]
        return not _VERSION.search(before)
    groups = [group for group in match[0].split(":") if group]
    return len(groups) >= 3 and any(character.isdigit() for character in match[0])


def hide_addresses(text: str, tag: str) -> str:
    """Return text with `tag` in place of IPv4, IPv6 and MAC addresses; 127.0.0.1 stays."""
    if text.count(".") >= 3:
        text = _IPV4.sub(lambda match: tag if _is_address(match) else match[0], text)
    if text.count(":") >= 2:
        text = _MAC.sub(lambda _: tag, text)
        text = _IPV6.sub(lambda match: tag if _is_address(match) else match[0], text)
    return _MAC.sub(lambda _: tag, text) if text.count("-") >= 5 else text


def _is_cpf(text: str) -> bool:
    digits = [int(digit) for digit in _DIGITS.sub("", text)]
    if len(set(digits)) == 1:
        return False
    return all(
        sum(weight * digit for weight, digit in zip(range(n + 1, 1, -1), digits, strict=False))
        * 10 % 11 % 10 == digits[n]
        for n in (9, 10)
    )  # fmt: skip


def _is_dni(text: str) -> bool:
    number = str("XYZ".find(text[0])) + text[1:8] if text[0] in "XYZ" else text[:8]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


def hide_national_ids(text: str, tag: str) -> str:
    """Return text with `tag` in place of a US social security number and others' like it.

    Of Brazil (CPF), Spain (DNI, NIE), Germany (tax id), France (NIR), India, Britain (NHS).
    """
    text = _SSN.sub(lambda _: tag, text)
    text = _CPF.sub(lambda match: tag if _is_cpf(match[0]) else match[0], text)
    text = _DNI.sub(lambda match: tag if _is_dni(match[0]) else match[0], text)
    return _hide_checked(text, tag)


def _hide_checked(text: str, tag: str) -> str:
    if not any(form.search(text) for form in (_IDNR, _NIR, _AADHAAR, _NHS)):
        return text
    from stdnum.de import idnr
    from stdnum.fr import nir
    from stdnum.gb import nhs
    from stdnum.in_ import aadhaar

    for form, is_valid in ((_IDNR, idnr.is_valid), (_NIR, nir.is_valid),
                           (_AADHAAR, aadhaar.is_valid), (_NHS, nhs.is_valid)):  # fmt: skip
        text = form.sub(lambda match, valid=is_valid: tag if valid(match[0]) else match[0], text)
    return text
