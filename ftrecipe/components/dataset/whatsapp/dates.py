"""Finds out in which order the dates of an export are written, and reads them."""

import datetime
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from ftrecipe.components.dataset.whatsapp.calendars import era, gregorian


class DateOrder(Enum):
    """In which order day, month and year are written; `auto` finds out for each kind of header."""

    auto = "auto"
    dmy = "dmy"
    mdy = "mdy"
    ymd = "ymd"


ORDERS = (DateOrder.dmy, DateOrder.mdy, DateOrder.ymd)
_DIGITS = re.compile(r"\d+|元")
_FIRST, _LAST = datetime.date(2009, 1, 1), datetime.date(2049, 12, 31)  # WhatsApp began in 2009
_DENSER = 8  # how many times as long a span makes a reading the less likely one
_FEW = 3  # one line in three may have an impossible date in an order that the others are in


class Found(NamedTuple):
    """An order of dates. doubt: a date that might be read otherwise too, where nothing told."""

    order: DateOrder
    doubt: str | None = None


@lru_cache(maxsize=1 << 15)
def _written(date: str) -> tuple[tuple[int, int, int], tuple[int, int, int], str, bool]:
    """Return the numbers of a date, their digits, its era, and if its year is known to be first."""
    texts = _DIGITS.findall(date)
    numbers = tuple(1 if text == "元" else int(text) for text in texts)
    sizes = tuple(map(len, texts))
    name = era(date)
    first = sizes[0] > 2 or bool(re.search("[年년]", date)) or bool(re.match(r"[^\W\d]", date))
    return numbers, sizes, name, first and sizes[2] < 3  # pyright: ignore[reportReturnType]


def orders(date: str) -> list[DateOrder]:
    """Return the orders in which a date as written could be read, if its numbers allow them."""
    _, sizes, _, year_first = _written(date)
    if year_first:
        return [DateOrder.ymd]
    if sizes[0] > 2:
        return []
    if sizes[2] > 2 or sizes[0] == 1:
        return [DateOrder.dmy, DateOrder.mdy]
    return list(ORDERS)


def read_as(date: str, order: DateOrder) -> datetime.date | None:
    """Return the day that a date names when read in one order, or None."""
    if order not in orders(date):
        return None
    (a, b, c), sizes, name, _ = _written(date)
    if order is DateOrder.ymd:
        return gregorian(a, sizes[0], b, c, name)
    day, month = (a, b) if order is DateOrder.dmy else (b, a)
    return gregorian(c, sizes[2], month, day, name)


def read(date: str, order: DateOrder) -> datetime.date | None:
    """Return the day in the given order; in another one only what cannot be in it as written."""
    possible = orders(date)
    for one in [order] if order in possible else possible:
        if (day := read_as(date, one)) is not None:
            return day
    return None


def exists(date: str) -> bool:
    """Say whether a date names a day in any order."""
    return any(read_as(date, one) is not None for one in ORDERS)


def find_order(dates: Mapping[str, int], twelve_hours: bool, east: bool) -> Found:
    """Find the order of dates that are in the order in which a chat has them, with their lines.

    The best reading has the fewest lines of days that do not exist or are out of WhatsApp's time,
    then the fewest days that come before their predecessors, then a much shorter span. Else it is
    day first, but month first for `m/d/yy` with an English twelve-hour clock. Two digits are a year
    first in East Asian and Hungarian clocks, or where the other orders fit too few lines.
    """
    usual = _usual(dates, twelve_hours, east)
    readings = {order: [read_as(date, order) for date in dates] for order in usual}
    faults = {order: _faults(days, dates.values()) for order, days in readings.items()}
    few = sum(dates.values()) // _FEW
    if not east and min(faults[DateOrder.dmy], faults[DateOrder.mdy])[0] <= few:
        usual.remove(DateOrder.ymd)
        del faults[DateOrder.ymd]
    best = min(faults.values())
    likely = [order for order in usual if faults[order] == best]
    spans = {order: _span(readings[order]) for order in likely}
    if len(dates) > 2 or DateOrder.ymd in likely:
        shortest = min(spans.values())
        likely = [order for order in likely if spans[order] <= _DENSER * max(shortest, 1)]
    rivals = [order for order in likely[1:] if readings[order] != readings[likely[0]]]
    if not rivals:
        return Found(likely[0])
    other = rivals[0]
    pairs = zip(dates, readings[likely[0]], readings[other], strict=True)
    return Found(likely[0], next(date for date, one, two in pairs if one != two))


def _faults(days: Iterable[datetime.date | None], lines: Iterable[int]) -> tuple[int, int, int]:
    """Return how many lines have no day or one out of time, how many none, what days go back."""
    missing = strange = back = 0
    before: datetime.date | None = None
    for day, many in zip(days, lines, strict=True):
        if day is None:
            missing += many
            continue
        strange += 0 if _FIRST <= day <= _LAST else many
        back += before is not None and day < before
        before = day
    return missing + strange, missing, back


def _span(days: Iterable[datetime.date | None]) -> int:
    known = [day for day in days if day is not None]
    return (max(known) - min(known)).days if known else 0


def _usual(dates: Iterable[str], twelve_hours: bool, east: bool) -> list[DateOrder]:
    """Return the orders, the most usual first for dates that look like these."""
    if east:
        return [DateOrder.ymd, DateOrder.dmy, DateOrder.mdy]
    american = twelve_hours and all(
        date.isascii() and "/" in date and not date.startswith("0") and "/0" not in date[:-2]
        and _written(date)[1][2] == 2
        for date in dates
    )  # fmt: skip
    if american:
        return [DateOrder.mdy, DateOrder.dmy, DateOrder.ymd]
    return [*ORDERS]
