"""Axes of drawings as inline SVG: values to pixels, round ticks, a grid; no library."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 44


@dataclass(frozen=True)
class Axis:
    """A span of values with the ticks named on it; `log` for values that span decades."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies: 0 at the low end, 1 at the high one."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        return (at - low) / (high - low)


@dataclass(frozen=True)
class Area:
    """A drawing of `width` by `height` with room for the ticks of its axes."""

    x_axis: Axis
    y_axis: Axis
    width: int
    height: int

    @property
    def floor(self) -> int:
        """Return the pixel row of the horizontal axis."""
        return self.height - BOTTOM

    def x(self, value: float) -> float:
        """Return the pixel column of a value."""
        return round(LEFT + self.x_axis.share(value) * (self.width - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Return the pixel row of a value."""
        return round(self.floor - self.y_axis.share(value) * (self.floor - TOP), 1)

    def svg(self, spoken: str, x_title: str, shapes: Sequence[str]) -> str:
        """Return the drawing: grid, ticks, then `shapes`; `spoken` is what a reader aloud says."""
        parts = [
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{escape(spoken)}">',
            *(self._across(value, name) for value, name in self.y_axis.ticks),
            *(self._down(value, name) for value, name in self.x_axis.ticks),
            f'<text class="axis" x="{(LEFT + self.width - RIGHT) / 2}" y="{self.height - 6}" '
            f'text-anchor="middle">{escape(x_title)}</text>',
            *shapes,
            "</svg>",
        ]
        return "".join(parts)

    def _across(self, value: float, name: str) -> str:
        y = self.y(value)
        return (
            f'<line class="grid" x1="{LEFT}" x2="{self.width - RIGHT}" y1="{y}" y2="{y}"/>'
            f'<text class="axis" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
        )

    def _down(self, value: float, name: str) -> str:
        x, floor = self.x(value), self.floor
        return (
            f'<line class="tick" x1="{x}" x2="{x}" y1="{floor}" y2="{floor + 5}"/>'
            f'<text class="axis" x="{x}" y="{floor + 20}" text-anchor="middle">'
            f"{escape(name)}</text>"
        )


def spanning(low: float, high: float, about: int) -> Axis:
    """Return a linear axis that begins and ends at round values."""
    marks = ticks(low, high, about)
    return Axis(marks[0], marks[-1], [(mark, short(mark)) for mark in marks])


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


def short(value: float) -> str:
    """Return an axis label: few digits, and powers of ten for the very small."""
    if value == 0:
        return "0"
    if abs(value) < 1e-2:
        return f"{value:.1e}".replace(".0e", "e").replace("e-0", "e-")
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
