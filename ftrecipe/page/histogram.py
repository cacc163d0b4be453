"""Histograms as inline SVG: bins with their counts, and lines at the values that matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ftrecipe.page.axes import Area, Axis, short, ticks

_HEADROOM = 1.5  # of the tallest bin: the lines are named above it
_CHARACTER = 7.5  # pixels

Bin = Sequence[int]  # from, to (both within), how many


@dataclass(frozen=True)
class Mark:
    """A vertical line: the CSS class that draws it, its name, where it stands."""

    style: str
    name: str
    at: float


@dataclass(frozen=True)
class Histogram:
    """The bins of whole numbers between `low` and `high`."""

    title: str
    unit: str
    bins: Sequence[Bin]
    low: float
    high: float
    marks: Sequence[Mark] = ()
    style: str = ""
    width: int = 720
    height: int = 250

    def figure(self) -> str:
        """Return the figure; empty where there is nothing to draw."""
        if not self.bins:
            return ""
        tallest = max(count for _, _, count in self.bins)
        top = tallest * (_HEADROOM if self.marks else 1.05)
        levels = [(y, short(y)) for y in ticks(0, tallest, 4) if y <= tallest and y == int(y)]
        span = max(self.high - self.low, 1)
        beneath = [(x, short(x)) for x in ticks(self.low, self.low + span, 6)
                   if self.low <= x <= self.low + span and x == int(x)]  # fmt: skip
        area = Area(Axis(self.low, self.low + span, beneath), Axis(0, top, levels),
                    self.width, self.height)  # fmt: skip
        shapes = [*(self._bin(area, each) for each in self.bins), *self._marks(area)]
        drawing = area.svg(self._spoken(), self.unit, shapes)
        return f"<figure><figcaption>{escape(self.title)}</figcaption>{drawing}</figure>"

    def _bin(self, area: Area, bin_: Bin) -> str:
        low, high, count = bin_
        left, right, y = area.x(low), area.x(high + 1), area.y(count)
        between = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        return (
            f'<rect class="bin {self.style}" x="{left}" y="{y}" '
            f'width="{max(1.0, right - left - 1):.1f}" height="{area.floor - y:.1f}">'
            f"<title>{between} {escape(self.unit)}: {count:,}</title></rect>"
        )

    def _marks(self, area: Area) -> list[str]:
        """Return the lines, then their names: those of marks further right have an arrow."""
        lines, names = [], []
        for number, mark in enumerate(self.marks):
            y = 18 + 17 * number
            beyond = mark.at > area.x_axis.high
            x = area.x(min(mark.at + 0.5, area.x_axis.high))  # the middle of its own bin
            name = f"{mark.name} →" if beyond else mark.name
            before = x + 6 + _CHARACTER * len(name) > self.width
            at, anchor = (x - 6, "end") if before else (x + 6, "start")
            if not beyond:
                lines.append(f'<line class="mark {mark.style}" x1="{x}" x2="{x}" y1="{y - 12}" '
                             f'y2="{area.floor}"/>')  # fmt: skip
            names.append(f'<text class="marked {mark.style}" x="{at}" y="{y}" '
                         f'text-anchor="{anchor}">{escape(name)}</text>')  # fmt: skip
        return lines + names

    def _spoken(self) -> str:
        low, high = self.bins[0][0], self.bins[-1][1]
        named = "".join(f"; {mark.name}" for mark in self.marks)
        return f"{self.title}: from {low:,} to {high:,} {self.unit}{named}"
