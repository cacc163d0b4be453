"""Finds out in which order the dates of an export are written, and reads them."""

import datetime
import re
from collections.abc import Iterable, Sequence
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
    """Return the day in the given order or, where there is none, in the first one that has it."""
    for one in (order, *ORDERS):
        if (day := read_as(date, one)) is not None:
            return day
    return None


def find_order(dates: Sequence[str], twelve_hours: bool, east: bool) -> Found:
    """Find the order of dates that are in the order in which a chat has them.

    The best reading has the fewest days that do not exist, then the fewest that are out of
    WhatsApp's time, then the fewest that come before their predecessors, then a much shorter span.
    Else day first, but month first for `m/d/yy` with an English twelve-hour clock, and year first
    for two-digit years in East Asian and Hungarian clocks.
    """
    usual = _usual(dates, twelve_hours, east)
    readings = {order: [read_as(date, order) for date in dates] for order in usual}
    faults = {order: _faults(days) for order, days in readings.items()}
    best = min(faults.values())
    likely = [order for order in usual if faults[order] == best]
    spans = {order: _span(readings[order]) for order in likely}
    if len(dates) > 2 or DateOrder.ymd in likely:
        shortest = min(spans.values())
        likely = [order for order in likely if spans[order] <= _DENSER * max(shortest, 1)]
    # Phones hardly write a year of two digits first: that alone leaves no doubt.
    rivals = [order for order in likely[1:] if readings[order] != readings[likely[0]]
              and (east or order is not DateOrder.ymd)]  # fmt: skip
    if not rivals:
        return Found(likely[0])
    other = rivals[0]
    pairs = zip(dates, readings[likely[0]], readings[other], strict=True)
    return Found(likely[0], next(date for date, one, two in pairs if one != two))


def _faults(days: Iterable[datetime.date | None]) -> tuple[int, int, int]:
    """Return how many days do not exist, are out of time, and come before the one before."""
    missing = strange = back = 0
    before: datetime.date | None = None
    for day in days:
        if day is None:
            missing += 1
            continue
        strange += not _FIRST <= day <= _LAST
        back += before is not None and day < before
        before = day
    return missing, strange, back


def _span(days: Iterable[datetime.date | None]) -> int:
    known = [day for day in days if day is not None]
    return (max(known) - min(known)).days if known else 0


def _usual(dates: Sequence[str], twelve_hours: bool, east: bool) -> list[DateOrder]:
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
