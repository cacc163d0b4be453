"""Names, numbers, sizes and spans of time as people write them."""

import math

NAMES = {"f1": "F1"}
MISSING = "not measured"


def title(metric: str) -> str:
    """Return a metric's name for people: `exact_match` becomes "Exact match"."""
    return NAMES.get(metric, metric.replace("_", " ").capitalize())


def number(value: float | None, percent: bool = False) -> str:
    """Return a number as a person writes it; percentages with one digit after the point."""
    if value is None:
        return MISSING
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    if percent:
        return f"{value:.0f} %" if value == round(value) else f"{value:.1f} %"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def size(count: float) -> str:
    """Return bytes for people."""
    value, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit in ("B", "KB") else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """Return a span of time for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
