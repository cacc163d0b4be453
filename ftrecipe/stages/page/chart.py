"""Line charts as inline SVG: axes, labels and points that say their values; no library."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 720
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 44
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
    xs = [x for curve in drawn for x, _ in curve.points]
    ys = [y for curve in drawn for _, y in curve.points]
    y_ticks = ticks(min(ys), max(ys), height // 60)
    area = _Area(min(0, *xs), max(1, *xs), y_ticks[0], y_ticks[-1], height)
    x_ticks = [x for x in ticks(area.x0, area.x1, 6) if x <= area.x1]
    spoken = escape(_spoken(title, drawn))
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{spoken}">',
        *(_horizontal(area, y) for y in y_ticks),
        *(_vertical(area, x) for x in x_ticks),
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{height - 6}" '
        f'text-anchor="middle">step</text>',
        *(_line(area, curve) for curve in drawn),
        "</svg>",
    ]
    legend = "".join(
        f'<span class="key {c.style}">{escape(c.name)}</span>'
        for c in drawn
        if c.name != title.lower()
    )
    return f"<figure><figcaption>{escape(title)} {legend}</figcaption>{''.join(parts)}</figure>"


def ticks(low: float, high: float, about: int) -> list[float]:
    """Return round values that span `low` to `high`, in steps of 1, 2 or 5 times ten to the n."""
    if high <= low:
        margin = abs(low) / 2 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / about
    ten = 10 ** math.floor(math.log10(rough))
    step = next(ten * factor for factor in (1, 2, 5, 10) if ten * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * at for at in range(first, last + 1)]


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


def short(value: float) -> str:
    """Return an axis label: few digits, and powers of ten for the very small."""
    if value == 0:
        return "0"
    if abs(value) < 1e-2:
        return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-")
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


@dataclass(frozen=True)
class _Area:
    x0: float
    x1: float
    y0: float
    y1: float
    height: int

    @property
    def floor(self) -> int:
        return self.height - BOTTOM

    def x(self, value: float) -> float:
        return round(LEFT + (value - self.x0) / (self.x1 - self.x0) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.y0) / (self.y1 - self.y0)
        return round(self.floor - share * (self.floor - TOP), 1)


def _horizontal(area: _Area, value: float) -> str:
    y = area.y(value)
    return (
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        f'<text class="axis" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{short(value)}</text>'
    )


def _vertical(area: _Area, value: float) -> str:
    x, floor = area.x(value), area.floor
    return (
        f'<line class="tick" x1="{x}" x2="{x}" y1="{floor}" y2="{floor + 5}"/>'
        f'<text class="axis" x="{x}" y="{floor + 20}" text-anchor="middle">{short(value)}</text>'
    )


def _line(area: _Area, curve: Curve) -> str:
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
