"""Amounts are written alike wherever they are met."""

import math

import pytest

from ftrecipe.amounts import NONE, duration, gib, many, number, signed, size


@pytest.mark.parametrize(
    ("value", "percent", "unit", "said"),
    [
        (None, False, None, NONE),
        (85, True, None, "85.0 %"),
        (0.12341, False, None, "0.1234"),
        (1.0, False, None, "1"),
        (12.345, False, None, "12.35"),
        (1234.5, False, None, "1,234"),
        (135_000_000, False, None, "135,000,000"),
        (2.5e12 + 0.5, False, None, "2.5e+12"),
        (math.inf, False, None, "infinite"),
        (math.nan, True, None, "not a number"),
        (3 * 2**30, False, "bytes", "3.0 GiB"),
        (0.25, False, "seconds", "250 ms"),
        (41.25, False, "tokens/s", "41.25 tokens/s"),
    ],
)
def test_a_number_is_written_with_its_unit(
    value: float | None, percent: bool, unit: str | None, said: str
) -> None:
    assert number(value, percent, unit) == said


@pytest.mark.parametrize(
    ("value", "percent", "unit", "said"),
    [
        (5, True, None, "+5.0"),
        (-0.1234, False, None, "−0.1234"),
        (0.001, True, None, "0"),
        (-1.5 * 2**30, False, "bytes", "−1.5 GiB"),
        (0, False, "seconds", "0"),
    ],
)
def test_a_change_is_written_with_its_sign(
    value: float, percent: bool, unit: str | None, said: str
) -> None:
    assert signed(value, percent, unit) == said


def test_bytes_are_counted_in_1024s_of_memory_and_of_files() -> None:
    sizes = [size(12), size(2048), size(1.5 * 2**20), size(3 * 2**30), size(4096 * 2**40)]
    assert sizes == ["12 B", "2 KiB", "1.5 MiB", "3.0 GiB", "4,096.0 TiB"]
    assert [gib(2**29), gib(12.34 * 2**30)] == ["0.50", "12.3"]


def test_a_span_of_time_has_two_units_at_the_most() -> None:
    spans = [0, 0.0004, 0.25, 0.9999, 2.5, 30, 65, 7500]
    assert [duration(each) for each in spans] == [
        "0 s", "0.4 ms", "250 ms", "1.0 s", "2.5 s", "30 s", "1 min 05 s", "2 h 05 min",
    ]  # fmt: skip


def test_one_thing_is_no_several() -> None:
    assert [many(1, "row"), many(2000, "row")] == ["1 row", "2,000 rows"]
    assert [many(1, "family", "families"), many(2, "family", "families")] == [
        "1 family", "2 families",
    ]  # fmt: skip
