"""Reads the clock of a header: 12 or 24 hours, with the words for the halves of the day."""

import datetime
import re

_BEFORE_NOON = """
    am ص صباحا صباحًا ق.ظ قبل‌ازظهر לפנה״צ לפנה"צ पूर्वाह्न
    पूर्व म.पू 上午 早上 凌晨 清晨 午前 오전 sa öö πμ e_paradites paradite de dop
    fm f.h vm ap rano priekšp priešpiet পূর্বাহ্ণ পূর্বাহ্ন
    ก่อนเที่ยง முற்பகல் పూర్వాహ్నం
    ಪೂರ್ವಾಹ್ನ pg pagi дп пр.об пр.пл претпл претпладне eelne
    prije_podne prijepodne pre_podne asubuhi mattina de_la_mañana
"""
_AFTER_NOON = """
    pm م مساء مساءً ب.ظ بعدازظهر אחה״צ אחה"צ अपराह्न अपर म.उ
    下午 晚上 中午 傍晚 午後 오후 ch ös μμ e_pasdites pasdite du odp em e.h nm ip
    popołudniu pēcp popiet অপরাহ্ণ অপরাহ্ন หลังเที่ยง
    பிற்பகல் అపరాహ్నం ಅಪರಾಹ್ನ ptg petang пп сл.об сл.пл
    попл попладне pärast poslije_podne poslijepodne po_podne alasiri pomeriggio
    de_la_tarde de_la_noche
"""
# Words between a date and a clock, or after it, that say nothing about the time.
_GLUE = """
    at um à às as klo kl la alle ore u v o ob в у о об om den lúc kell kello godz
    στις saat и i a a_las las uhr h hs hrs hr hod น ч часа ساعت الساعة בשעה le dne
    ng noong orë ora pukul jam tại vào على في
"""


def _plain(words: str) -> str:
    """Return words as they are compared: no marks, dots or spaces, small."""
    return re.sub(r"[\W_]+", "", words.casefold()) or words.strip()


def _table(words: str) -> frozenset[str]:
    return frozenset(_plain(word) for word in words.split())


_EARLY, _LATE = _table(_BEFORE_NOON), _table(_AFTER_NOON)
_NOTHING = _table(_GLUE) - _EARLY - _LATE | {""}
_PARTS = re.compile(r"(\d{1,2})\D+(\d{2})(?:\D{1,8}(\d{2}))?(?!\d)(.*)", re.DOTALL)


def half(marker: str) -> int | None:
    """Return 0 for the first half of the day, 1 for the second, None for words that say neither."""
    plain = _plain(marker)
    if plain in _EARLY:
        return 0
    return 1 if plain in _LATE else None


def is_glue(words: str) -> bool:
    """Say whether words beside a clock mean nothing for the time."""
    plain = _plain(words)
    return not words.strip() or (len(plain) < 12 and plain in _NOTHING)


def markers(words: str) -> list[str]:
    """Return the words beside a clock that may tell the half of the day."""
    if half(words) is not None:
        return [words]
    return [word for word in words.split() if not is_glue(word)]


def is_marker(words: str) -> bool:
    """Say whether words name a half of the day, or are none."""
    return not words or half(words) is not None


def clock(text: str) -> datetime.time | None:
    """Return the time that `9:41:32 AM` says; None for one that is on no clock."""
    found = _PARTS.match(text.strip())
    if found is None:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    later = half(found[4])
    if hour > 24 or minute > 59 or second > 59:
        return None
    if later == 1 and hour < 12:
        hour += 12
    elif later == 0 and hour == 12:
        hour = 0
    return datetime.time(hour % 24, minute, second)
