"""Turns days of other calendars into our own: Buddhist, Persian, Islamic, ROC and Japanese."""

import datetime
import re

_YEARS_BEFORE = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925,
                 "民國": 1911, "民国": 1911, "中華民國": 1911, "中华民国": 1911}  # fmt: skip
_BUDDHIST = ("พ.ศ.", "พุทธศักราช", "佛曆", "BE", "B.E.")
_ISLAMIC = ("هـ", "ه.ق", "ه.ق.", "AH", "A.H.")
_PERSIAN = ("ه.ش", "ه.ش.", "ش", "AP", "A.P.")
_ERA = re.compile(r"[^\W\d_][^\d/\-]*")


def era(date: str) -> str:
    """Return the name of the era that a date is written with, or nothing."""
    known = (*_YEARS_BEFORE, *_BUDDHIST, *_ISLAMIC, *_PERSIAN)
    for word in _ERA.findall(date):
        if (name := word.strip("\u200e\u200f ")) in known:
            return name
    return ""


def gregorian(year: int, digits: int, month: int, day: int, era: str) -> datetime.date | None:
    """Return the day that a date of some era names, or None for none.

    digits: how many the year is written with. Without an era's name, years of four digits are of
    the calendar in which they are near our time, and two digits are of this century or, from 52
    to 80, of the Buddhist one (2552 is 2009, when WhatsApp began).
    """
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    if era in _YEARS_BEFORE:
        return _day(year + _YEARS_BEFORE[era], month, day)
    if era in _BUDDHIST:
        return _day((year if digits > 2 else 2500 + year) - 543, month, day)
    if era in _ISLAMIC or (not era and 1430 <= year <= 1500):
        return _islamic(year if digits > 2 else 1400 + year, month, day)
    if era in _PERSIAN or (not era and 1300 <= year < 1430):
        return _persian(year if digits > 2 else 1400 + year, month, day)
    return _day(_common_year(year, digits), month, day)


def _common_year(year: int, digits: int) -> int:
    if digits <= 2:
        return year + (2000 if year < 52 else 1957 if year <= 80 else 1900)
    if digits == 3:
        return year + 1911
    return year - 543 if year >= 2400 else year


def _day(year: int, month: int, day: int) -> datetime.date | None:
    if not 1900 <= year <= 2199:
        return None
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _persian(year: int, month: int, day: int) -> datetime.date | None:
    """Days of the solar Hijri calendar: leap years in the 33-year cycle, right for 1178 to 1633."""
    leap = year % 33 in (1, 5, 9, 13, 17, 22, 26, 30)
    if day > (31 if month <= 6 else 30 if month <= 11 or leap else 29):
        return None
    leaps = sum(y % 33 in (1, 5, 9, 13, 17, 22, 26, 30) for y in range(1300, year))
    before = 31 * min(month - 1, 6) + 30 * max(month - 7, 0)
    first = datetime.date(1921, 3, 21)  # 1 Farvardin 1300
    return first + datetime.timedelta(365 * (year - 1300) + leaps + before + day - 1)


def _islamic(year: int, month: int, day: int) -> datetime.date | None:
    """Days of the tabular Islamic calendar; the one that is seen may differ by a day."""
    if day > 30:
        return None
    days = (day + (59 * (month - 1) + 1) // 2 + (year - 1) * 354 + (3 + 11 * year) // 30) + 1948439
    return datetime.date.fromordinal(days - 1721425)
