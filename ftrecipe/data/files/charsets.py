"""Guesses which of the older encodings a sample of text is in, by the letters that come out.

Each candidate is an encoding with a language that was written in it. What it decodes is scored: a
letter of that language counts, more where it is a frequent one; a sign inside a word, a capital
after a small letter and a letter of another language do not. What no candidate explains is left
to charset-normalizer.
"""

import re
from collections.abc import Callable
from functools import cache

from ftrecipe.data.files.western import western

_SURE = 0.8
_RUN = re.compile(r"[^\x00-\x7f]+")
_NOTHING = 0.35

_QUOTES = "‘’‚“”„«»‹›–—…•·°§©®™€£¥¿¡´×÷±²³½¼¾ªº№\u00a0\u00ad\u200e\u200f"
_INSIDE = "’‘´·\u00ad\u00a0"  # signs that words may hold

# Letters that are not ASCII, by language; those after | are rarer.
_LATIN = {
    "french": "éèàçêôûîâùëïœæüÿ|ÉÈÀÇÊÔÛÎÂÙËÏŒÆÜŸ",
    "german": "äöüß|ÄÖÜé",
    "spanish": "áéíóúñü|ÁÉÍÓÚÑÜçàèòï",
    "portuguese": "ãõáéíóúâêôçàü|ÃÕÁÉÍÓÚÂÊÔÇÀ",
    "italian": "àèéìòù|ÀÈÉÌÒÙîó",
    "nordic": "åäöøæéü|ÅÄÖØÆÉà",
    "icelandic": "áéíóúýþæöð|ÁÉÍÓÚÝÞÆÖÐ",
    "western": "éèàçêôûîâùëïœæäöüßñáíóúãõåøìò|ÿÉÀÈÇÊÔÎÂÄÖÜÑÁÍÓÚÃÕÅØŒÆËÏÙÛýðþÝÐÞ",
    "polish": "ąćęłńóśźż|ĄĆĘŁŃÓŚŹŻ",
    "czech": "áčďéěíňóřšťúůžýľĺŕäô|ÁČĎÉĚÍŇÓŘŠŤÚŮŽÝĽĹŔÄÔ",
    "hungarian": "áéíóöőúüű|ÁÉÍÓÖŐÚÜŰ",
    "romanian": "ăâîşţ|ĂÂÎŞŢ",
    "croatian": "čćđšž|ČĆĐŠŽ",
    "turkish": "çğıöşüâîû|ÇĞİÖŞÜÂÎÛ",
    "baltic": "āčēģīķļņšūžąęėįųõäöü|ĀČĒĢĪĶĻŅŠŪŽĄĘĖĮŲÕÄÖÜ",
    "vietnamese": "ăâđêôơưáàéèíóòúùýãõ\u0300\u0301\u0303\u0309\u0323|ĂÂĐÊÔƠƯÁÀÉÈÍÓÒÚÙÝÃÕ₫",
}
_OTHER = {
    "russian": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё|ОЕАИНТСРВЛКМДПУЯЫЬГЗБЧЙХЖШЮЦЩЭФЪЁ",
    "ukrainian": "оаинвітерсклудмпзябьгчїйцхєжшщюфґ'ы|ОАИНВІТЕРСКЛУДМПЗЯБЬГЧЇЙЦХЄЖШЩЮФҐ",
    "serbian": "аиоенртсувкдмлјпзгбцшчжњљхћђџф|АИОЕНРТСУВКДМЛЈПЗГБЦШЧЖЊЉХЋЂЏФ",
    "greek": "αοιετσνηυρπκμλςωγδθχφβξζψάέήίόύώϊϋΐΰ|ΑΟΙΕΤΣΝΗΥΡΠΚΜΛΩΓΔΘΧΦΒΞΖΨΆΈΉΊΌΎΏ",
    "hebrew": "יוהלאמרתבשנדחקפעכםגטסזצןךףץ|ְֱֲֳִֵֶַָֹֻּׁׂ",
    "arabic": "ايلمنوتربةعدسفهكقحجأشطىصخضذثزءئغإآظؤ|پچژگکی،؛؟ًٌٍَُِّْـ",
    "thai": "านรกอเงมยลวดทสตะปบคหแจพชขใไโผี่้ิัุู็์ำ|ึืฉซฌญฎฏฐฑฒณธฝฟภฤฦศษฬฮฯๅๆ฿ํ๊๋๐๑๒๓๔๕๖๗๘๙",
}
_WESTERN = ("french", "german", "spanish", "portuguese", "italian", "nordic", "icelandic",
            "western")  # fmt: skip
_CENTRAL = ("polish", "czech", "hungarian", "croatian")
_CYRILLIC = ("russian", "ukrainian", "serbian")
_SINGLE = (
    ("cp1252", _WESTERN), ("cp1250", (*_CENTRAL, "romanian")), ("cp1254", ("turkish",)),
    ("cp1257", ("baltic",)), ("cp1258", ("vietnamese",)), ("cp1251", _CYRILLIC),
    ("koi8_r", ("russian",)), ("koi8_u", ("ukrainian",)), ("cp1253", ("greek",)),
    ("cp1255", ("hebrew",)), ("cp1256", ("arabic",)), ("cp874", ("thai",)),
    ("iso8859_15", _WESTERN), ("iso8859_2", _CENTRAL), ("iso8859_7", ("greek",)),
    ("mac_roman", _WESTERN), ("cp850", _WESTERN), ("cp437", _WESTERN), ("cp852", _CENTRAL),
    ("cp866", ("russian",)), ("iso8859_5", _CYRILLIC), ("mac_cyrillic", _CYRILLIC),
    ("iso8859_8", ("hebrew",)), ("iso8859_6", ("arabic",)),
)  # fmt: skip
_RARE = ("iso", "mac", "cp4", "cp8")  # encodings that begin so have to be a little better
_NAMES = {"iso8859_15": "iso8859-15", "iso8859_2": "iso8859-2", "iso8859_5": "iso8859-5",
          "iso8859_6": "iso8859-6", "iso8859_7": "iso8859-7", "iso8859_8": "iso8859-8",
          "koi8_r": "koi8-r", "koi8_u": "koi8-u", "mac_roman": "mac-roman",
          "mac_cyrillic": "mac-cyrillic"}  # fmt: skip

_HANZI = (
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生"
    "能而子那得于於着著下自之年过過发發后後作里裡用道行所然家种種事成方多经經么麼去法学學如都"
    "同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實"
)
_HANGUL = (
    "이다는을가에의하고지한은도로를기사자어리인그시나서아대라해정들있있수만일전니안보거어여부"
    "과적제으었요할면"
)
_TWO_BYTES = ("euc_kr", "big5", "gb18030", "cp932", "euc_jp", "cp949", "cp950")
# By which encoding the frequent characters of a script are told, with the first bytes of those.
_FREQUENT = {"big5": ("big5", 0xA4, 0xC6), "cp950": ("big5", 0xA4, 0xC6),
             "gb18030": ("gb2312", 0xB0, 0xD7), "euc_kr": ("euc_kr", 0xB0, 0xC8),
             "cp949": ("euc_kr", 0xB0, 0xC8), "cp932": ("euc_jp", 0xB0, 0xCF),
             "euc_jp": ("euc_jp", 0xB0, 0xCF)}  # fmt: skip


def legacy(sample: bytes, words: bool = False) -> str | None:
    """Return the likeliest encoding of `sample`, lines that are not UTF-8; None if none fits.

    words: only one in which the bytes are words counts; other bytes are broken, not encoded.
    """
    scored = [(_two_bytes(sample, name), name) for name in _TWO_BYTES]
    scored += [(_single(sample, name, languages), name) for name, languages in _SINGLE]
    best, name = max(scored, key=lambda found: found[0])  # the first of equals
    if words and (best < _SURE or not _are_words(sample, name, best)):
        return None
    if best < _SURE:
        name = _normalized(sample) or (name if best > _NOTHING else "")
    return _NAMES.get(name, name) or None


def _are_words(sample: bytes, encoding: str, score: float) -> bool:
    """Say whether what is not ASCII in a few lines makes words, or the accents in words."""
    text = f" {sample.decode(encoding, 'replace')} "
    runs = [(text[found.start() - 1] + text[found.end()], found.group())
            for found in _RUN.finditer(text)]  # fmt: skip
    if encoding in _TWO_BYTES:
        return score >= 1 and any(len(run) > 1 for _, run in runs)
    if any(encoding == name and language in _LATIN for name, (language, *_) in _SINGLE):
        inside = sum(run.isalpha() and len(run) < 3 and any(map(str.isalpha, near))
                     for near, run in runs)  # fmt: skip
        return 2 * inside >= len(runs) or (encoding == "cp1252" and western(sample))
    alone = not any(char.isalpha() for near, _ in runs for char in near)
    letters = all(char.isalpha() or "\u0e31" <= char <= "\u0e4e" for _, run in runs for char in run)
    return alone and letters and any(len(run) > 2 for _, run in runs)


@cache
def _weight(language: str) -> dict[str, float]:
    """Return what each letter of a language counts."""
    if language in _LATIN:
        usual, _, rare = _LATIN[language].partition("|")
        # The signs of these explain other languages too.
        most = 0.9 if language in ("vietnamese", "western") else 1.0
        return dict.fromkeys(rare, most - 0.1) | dict.fromkeys(usual, most)
    usual, _, rare = _OTHER[language].partition("|")
    falling = {letter: 1.05 - 0.5 * at / len(usual) for at, letter in enumerate(usual)}
    return {letter.upper(): value - 0.1 for letter, value in falling.items()} | {
        **dict.fromkeys(rare, 0.5), **{letter.upper(): value - 0.05
        for letter, value in falling.items() if letter.upper() != letter}, **falling}  # fmt: skip


def _single(sample: bytes, encoding: str, languages: tuple[str, ...]) -> float:
    """Return how well the likeliest of the languages explains the sample."""
    text = f" {sample.decode(encoding, 'replace')} "
    best = max(_score(text, language) for language in languages)
    return best - (0.05 if encoding.startswith(_RARE) and encoding != "cp874" else 0)


def _score(text: str, language: str) -> float:
    """Return what the characters that are not ASCII count on average: at most about 1."""
    weight = _weight(language)
    total, count = 0.0, 0
    for at, char in enumerate(text):
        if char.isascii():
            continue
        count += 1
        before, after = text[at - 1], text[at + 1]
        if char in weight:
            total += weight[char] - _odd(before, char, after, language in _LATIN)
        elif char in _QUOTES:
            inside = before.isalpha() and after.isalpha() and char not in _INSIDE
            total += -1 if inside else 0.8
        else:
            total -= 3 if char == "\ufffd" else 1
    return total / count if count else 0.0


def _odd(before: str, char: str, after: str, latin: bool) -> float:
    """Return how odd a letter stands where it is, from 0 to 1."""
    if char.isupper() and before.islower():
        return 1.0
    if latin:
        crowded = all(near.isalpha() and not near.isascii() for near in (before, after))
        return 0.5 if crowded or (before.isdigit() and after.isdigit()) else 0.0
    if any(near.isascii() and near.isalpha() for near in (before, after)):
        return 0.8  # a word of two scripts
    unfinished = char == "ς" and after.isalpha()
    bare = char in "ЪЬЫ" and not before.isalpha()
    # Thai signs stand above or below a consonant.
    floating = char in "ัิีึืฺุู็่้๊๋์ํ" and not "\u0e01" <= before <= "\u0e4e"
    return 1.0 if unfinished or bare or floating else 0.0


def _two_bytes(sample: bytes, encoding: str) -> float:
    """Return how well a script of many characters explains the sample."""
    text = sample.decode(encoding, "replace")
    chars = [char for char in text if not char.isascii()]
    if not chars:
        return 0.0
    valued = _VALUES[encoding]
    score = sum(valued(char, encoding) for char in chars) / len(chars)
    kana = sum("\u3041" <= char <= "\u30ff" for char in chars) / len(chars)
    # Hardly a sentence of Japanese has no kana, and no Chinese one has any.
    if encoding in ("cp932", "euc_jp"):
        return score - (0.4 if kana < 0.1 else 0)
    return score - kana


def _chinese(char: str, encoding: str) -> float:
    if char in _HANZI:
        return 1.3
    return _common(char, encoding, 0.9)


def _korean(char: str, encoding: str) -> float:
    if "\uac00" <= char <= "\ud7a3":
        return 1.25 if char in _HANGUL else _common(char, encoding, 0.85)
    return 0.2 if "\u4e00" <= char <= "\u9fff" else _common(char, encoding, 0.0)


def _japanese(char: str, encoding: str) -> float:
    if "\u3041" <= char <= "\u3093":
        return 1.2
    return 0.9 if "\u30a1" <= char <= "\u30fc" else _common(char, encoding, 0.8)


def _common(char: str, encoding: str, value: float) -> float:
    """Return `value` for a frequent character, something for punctuation, little for the rest."""
    if char == "\ufffd":
        return -3.0
    if "\uff61" <= char <= "\uff9f" or "\ue000" <= char <= "\uf8ff":
        return -0.5
    if char in _QUOTES or "\u3000" <= char <= "\u303f" or "\uff01" <= char <= "\uff5e":
        return 0.8
    by, first, last = _FREQUENT[encoding]
    lead = char.encode(by, "ignore")[:1]
    if not lead:
        return -0.3
    return value if first <= lead[0] <= last else 0.3


_VALUES: dict[str, Callable[[str, str], float]] = {
    "big5": _chinese, "cp950": _chinese, "gb18030": _chinese, "euc_kr": _korean,
    "cp949": _korean, "cp932": _japanese, "euc_jp": _japanese,
}  # fmt: skip


def _normalized(sample: bytes) -> str | None:
    """Return what charset-normalizer takes the sample for."""
    from charset_normalizer import from_bytes

    names = sorted({name for name, _ in _SINGLE} | set(_TWO_BYTES))
    best = from_bytes(sample, cp_isolation=names, enable_fallback=False).best()
    return best.encoding if best else None
