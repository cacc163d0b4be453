"""Knows where the accents and signs of cp1252 stand in a text that hardly has any."""

_FIRSTS, _INNER = "ÀÁÂÄÅÆÇÈÉÊÍÎÑÓÔÖØÚÜŒŠŽ", "àáâãäåæçèéêëìíîïñòóôõöøùúûüœßšž"
_PAIRS = ("éé", "çã", "çõ", "üß")  # of letters that stand beside each other in cp1252
_AFTER_LETTER = "’”»…–—\u00a0"  # signs that words end with


def western(sample: bytes) -> bool:
    """Say whether all that is not ASCII in `sample` stands where a text in cp1252 has it.

    That is for texts that hardly have any, where the letters of a language are too little to go by.
    """
    try:
        text = f" {sample.decode('cp1252')} "
    except UnicodeDecodeError:
        return False
    wide = (at for at, char in enumerate(text) if not char.isascii())
    return all(_in_place(text, at) for at in wide)


def _in_place(text: str, at: int) -> bool:
    """Say whether a character of cp1252 that is not ASCII stands where it is used to stand."""
    before, char, after = text[at - 1 : at + 2]
    if char in _FIRSTS or char in _INNER:
        return _in_word(before, char, after)
    spaced = before.isspace(), after.isspace()
    beside = text[max(0, at - 2) : at].strip()[-1:], text[at + 1 : at + 3].strip()[:1]
    number = beside[0].isdigit() or beside[1].isdigit()
    alone = not (before.isalpha() and after.isalpha())
    places = {
        "’´": before.isalnum() or after.isalnum(), "‘„¿¡": before.isascii() and after.isalnum(),
        "“«": not before.isalnum(), "”»": not spaced[0], "–—": spaced[0] == spaced[1],
        "…": True, "\u00a0": before.isascii(), "\u00ad": before.isalpha(),
        "£€¥¢": number, "°": number or after in "CF",
        "½¼¾×÷±": alone and (number or spaced[0]), "²³ºª": before.isalnum(),
        "®™": before.isalnum(), "©§": spaced[0] and (after.isspace() or number),
        "•·": spaced == (True, True), "µ": after in "mgslFA",
    }  # fmt: skip
    return next((fits for signs, fits in places.items() if char in signs), False)


def _in_word(before: str, char: str, after: str) -> bool:
    if not after.isascii() and after not in _AFTER_LETTER and char + after not in _PAIRS:
        return False
    if not before.isascii() and before not in "‘“«¿¡\u00a0" and before + char not in _PAIRS:
        return False
    if char in _FIRSTS:
        return not before.islower() and (after.isalpha() or before.isupper() or char == "À")
    inside = before.isalpha() or after.isalpha() or char == "à"
    return inside and not (after.isupper() or before.isdigit())
