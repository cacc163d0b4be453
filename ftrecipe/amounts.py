"""Amounts as people read them: numbers, shares, things counted, bytes and spans of time.

Every terminal, page, report and card writes them with these, so a quantity looks the same
wherever it is met.

Bytes are counted in 1024s and say so (KiB, MiB, GiB), of memory and of files alike: so do
`nvidia-smi`, `free`, `df -h` and `ls -lh`, and weights then take in memory what they take on the
disk. Only `max_shard_size=5GB` means 1000s, as it does to transformers.
"""

import math

NONE = "–"  # what was not measured
GIB = 1 << 30
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def number(value: float | None, percent: bool = False, unit: str | None = None) -> str:
    """Write a number: "0.1234", "12.5", "1,235"; "85.0 %" where it is a share, "2.5 s" of seconds.

    Whole numbers are written whole, percentages with one digit after the point, all others with
    as many digits as tell two results apart: four.
    """
    if value is None:
        return NONE
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    if percent:
        return f"{value:.1f} %"
    if unit in _UNITS:
        return _UNITS[unit](value)
    return f"{_digits(value)} {unit}" if unit else _digits(value)


def signed(value: float, percent: bool = False, unit: str | None = None) -> str:
    """Write a change with its sign: "+5.0" of a percentage, "−0.123", "+1.5 GiB"; "0" for none."""
    if not math.isfinite(value):
        return number(value)
    text = number(abs(value), percent, unit).removesuffix(" %")
    if value == 0 or not any(digit in text for digit in "123456789"):
        return "0"
    return f"{'+' if value > 0 else '−'}{text}"


def _digits(value: float) -> str:
    whole = value == int(value) and abs(value) < 1e15
    return f"{value:,.0f}" if whole or 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def many(count: int, thing: str, several: str | None = None) -> str:
    """Write how many things there are: "1 row", "2,000 rows"; `several` where no s makes it so."""
    return f"{count:,} {thing if count == 1 else several or thing + 's'}"


def size(count: float) -> str:
    """Write bytes: "12 B", "2 KiB", "1.5 GiB"."""
    value, unit = float(count), _SIZES[0]
    for unit in _SIZES:
        if abs(value) < 1024 or unit == _SIZES[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit in _SIZES[:2] else f"{value:,.1f} {unit}"


def gib(count: float) -> str:
    """Write bytes in GiB without their unit, for a row of them: "0.45", "12.3"."""
    return f"{count / GIB:.2f}" if count < 10 * GIB else f"{count / GIB:.1f}"


def duration(seconds: float) -> str:
    """Write a span of time: "250 ms", "2.5 s", "8 s", "3 min 05 s", "2 h 07 min"."""
    if 0 < abs(seconds) < 1 and round(1000 * seconds) < 1000:
        return f"{1000 * seconds:.0f} ms" if abs(seconds) >= 0.01 else f"{1000 * seconds:.2g} ms"
    if seconds != 0 and round(abs(seconds), 1) < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


_UNITS = {"seconds": duration, "bytes": size}
