"""Line charts of what training logged: axes, labels and points that say their values."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ftrecipe.page.axes import Area, Axis, short, spanning, ticks

WIDTH = 720
MOST_POINTS = 300
DOTS_UP_TO = 60

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """One line: its name, the CSS class that colors it, and its points by rising x."""

    name: str
    style: str
    points: Sequence[Point]


def chart(title: str, curves: Sequence[Curve], height: int = 300) -> str:
    """Return an SVG of the curves that have points; empty where none has."""
    drawn = [Curve(c.name, c.style, thinned(finite(c.points))) for c in curves]
    drawn = [curve for curve in drawn if curve.points]
    if not drawn:
        return ""
    ys = [y for curve in drawn for _, y in curve.points]
    area = Area(_steps(drawn), spanning(min(ys), max(ys), height // 60), WIDTH, height)
    legend = "".join(
        f'<span class="key {c.style}">{escape(c.name)}</span>'
        for c in drawn
        if c.name != title.lower()
    )
    drawing = area.svg(_spoken(title, drawn), "step", [_line(area, curve) for curve in drawn])
    return f"<figure><figcaption>{escape(title)} {legend}</figcaption>{drawing}</figure>"


def _steps(curves: Sequence[Curve]) -> Axis:
    """Return the axis of steps: from none to the last, with round ticks in between."""
    xs = [x for curve in curves for x, _ in curve.points]
    low, high = min(0, *xs), max(1, *xs)
    return Axis(low, high, [(x, short(x)) for x in ticks(low, high, 6) if x <= high])


def finite(points: Sequence[Point]) -> list[Point]:
    """Return the points that can be drawn."""
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def thinned(points: Sequence[Point]) -> list[Point]:
    """Return at most MOST_POINTS points, each the mean of its neighbors."""
    size = math.ceil(len(points) / MOST_POINTS)
    if size <= 1:
        return list(points)
    groups = [points[at : at + size] for at in range(0, len(points), size)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def _line(area: Area, curve: Curve) -> str:
    placed = " ".join(f"{area.x(x)},{area.y(y)}" for x, y in curve.points)
    line = f'<polyline class="curve {curve.style}" points="{placed}"/>'
    if len(curve.points) > DOTS_UP_TO:
        return line
    return line + "".join(
        f'<circle class="dot {curve.style}" cx="{area.x(x)}" cy="{area.y(y)}" r="3">'
        f"<title>{escape(curve.name)} {y:.5g} at {x:,.6g}</title></circle>"
        for x, y in curve.points
    )


def _spoken(title: str, curves: Sequence[Curve]) -> str:
    told = [f"{c.name} from {c.points[0][1]:.4g} to {c.points[-1][1]:.4g}" for c in curves]
    return f"{title}: {'; '.join(told)}"
