"""Metrics and their changes as people write them."""

import math

NONE = "–"
SHORT = {"seconds": "s"}


def number(value: float | None, percent: bool = False, unit: str | None = None) -> str:
    """Write a metric: "85.0 %", "0.123", "1,234", "2.500 s"; what was not measured as a dash."""
    if value is None:
        return NONE
    if not math.isfinite(value):
        return "infinite" if math.isinf(value) else "not a number"
    if percent:
        return f"{value:.1f} %"
    if unit == "bytes":
        return _bytes(value)
    return f"{_digits(value)} {SHORT.get(unit, unit)}" if unit else _digits(value)


def signed(value: float, percent: bool = False, unit: str | None = None) -> str:
    """Write a change with its sign: "+5.0" of a percentage, "−0.123", "+1.5 GB"; "0" for none."""
    text = f"{abs(value):.1f}" if percent else number(abs(value), unit=unit)
    if value == 0 or not any(digit in text for digit in "123456789"):
        return "0"
    return f"{'+' if value > 0 else '−'}{text}"


def _digits(value: float) -> str:
    size = abs(value)
    if size >= 1e6 or 0 < size < 5e-4:
        return f"{value:.3g}"
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.3f}"


def _bytes(value: float) -> str:
    for name, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.1f} {name}"
    return f"{value:.0f} B"
