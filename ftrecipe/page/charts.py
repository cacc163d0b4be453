"""Line charts as still SVG, drawn by Altair and vl-convert while a page is written.

The page itself runs nothing: colors are those of its style sheet, so a chart follows light and
dark. Both libraries come with the `train` extra, and are imported when the first chart is drawn.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

MOST_POINTS = 300
DOTS_UP_TO = 30
TOLD = 40  # rows of the table beside a chart
WIDE, HALF, PHONE = 920, 430, 345  # pixels
HEIGHT = {WIDE: 250, HALF: 190, PHONE: 210}
LOW = 140

Point = tuple[float, float]

_FONT = "system-ui, sans-serif"


@dataclass(frozen=True)
class Line:
    """One line: its name, the color of the style sheet that it has, and its points by rising x."""

    name: str
    color: str
    points: Sequence[Point]


def figure(
    title: str,
    lines: Sequence[Line],
    x_title: str = "step",
    half: bool = False,
    low: bool = False,
    zero: bool = False,
    mark: float | None = None,
) -> str:
    """Return the lines that have points as a figure with its values in words and in a table.

    half: two stand side by side. low: it tells little. zero: the vertical axis begins there.
    mark: where a vertical line stands; a caption says what for.
    """
    drawn = [Line(each.name, each.color, thinned(finite(each.points))) for each in lines]
    drawn = [each for each in drawn if each.points]
    if not drawn:
        return ""
    spoken = escape(_spoken(title, drawn))
    sizes = {"half": HALF} if half else {"wide": WIDE, "phone": PHONE}
    svgs = "".join(
        _framed(
            _svg(drawn, x_title, (width, LOW if low else HEIGHT[width]), zero, mark), name, spoken
        )
        for name, width in sizes.items()
    )
    legend = "".join(
        f'<span class="key" style="--key: var(--{each.color})">{escape(each.name)}</span>'
        for each in drawn
        if len(drawn) > 1
    )
    return (
        f"<figure><figcaption>{escape(title)} {legend}</figcaption>{svgs}"
        f"{_table(drawn, x_title)}</figure>"
    )


def finite(points: Sequence[Point]) -> list[Point]:
    """Return the points that can be drawn."""
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """Return at most `most` points, each the mean of its neighbors."""
    size = math.ceil(len(points) / most)
    if size <= 1:
        return list(points)
    groups = [points[at : at + size] for at in range(0, len(points), size)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def _svg(
    lines: Sequence[Line], x_title: str, size: tuple[int, int], zero: bool, mark: float | None
) -> str:
    """Return the drawing as vl-convert writes it."""
    import altair as alt
    import vl_convert

    values = [
        {"x": x, "y": y, "of": str(at)} for at, each in enumerate(lines) for x, y in each.points
    ]
    width, height = size
    few = {str(at) for at, each in enumerate(lines) if len(each.points) <= DOTS_UP_TO}
    colors = alt.Scale(
        domain=[str(at) for at in range(len(lines))],
        range=[f"var(--{each.color})" for each in lines],
    )
    base = alt.Chart().encode(
        x=alt.X("x:Q", title=x_title, axis=alt.Axis(grid=False, tickCount=max(3, width // 110))),
        y=alt.Y("y:Q", title=None, scale=alt.Scale(zero=zero), axis=alt.Axis(tickCount=4)),
        color=alt.Color("of:N", legend=None, scale=colors),
    )
    dots = alt.Data(values=[value for value in values if value["of"] in few])
    marks = alt.Data(values=[] if mark is None else [{"x": mark}])
    rule = alt.Chart().mark_rule(stroke="var(--ink)", strokeDash=[3, 3], strokeWidth=1.2)
    chart = alt.layer(
        rule.encode(x="x:Q").properties(data=marks),
        base.mark_line(strokeWidth=2, strokeJoin="round").properties(data=alt.Data(values=values)),
        base.mark_point(filled=True, size=34, opacity=1).properties(data=dots),
    )
    whole = chart.properties(
        width=width,
        height=height,
        background="transparent",
        padding=2,
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
    )
    return vl_convert.vegalite_to_svg({**whole.to_dict(validate=False), "config": _CONFIG})


_CONFIG: dict[str, Any] = {
    "font": _FONT,
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--soft)",
        "titleColor": "var(--soft)",
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "titlePadding": 8,
    },
    "axisY": {"domain": False, "ticks": False},
}


def _framed(svg: str, name: str, spoken: str) -> str:
    """Return the drawing with our own root: it fits its room, and says what it shows."""
    size = re.search(r'viewBox="([^"]+)"', svg)
    assert size is not None
    inner = svg[svg.index(">") + 1 :]
    root = f'<svg class="chart {name}" viewBox="{size[1]}" role="img" aria-label="{spoken}">'
    return root + inner


def _spoken(title: str, lines: Sequence[Line]) -> str:
    told = [f"{e.name} from {e.points[0][1]:.4g} to {e.points[-1][1]:.4g}" for e in lines]
    return f"{title}: {'; '.join(told)}"


def _table(lines: Sequence[Line], x_title: str) -> str:
    """Return the values, folded: what the drawing says, for those who do not see it."""
    columns = [dict(spaced(each.points)) for each in lines]
    steps = sorted({x for column in columns for x in column})
    head = "".join(f"<th>{escape(each.name)}</th>" for each in lines)
    rows = "".join(
        f"<tr><td>{x:,.6g}</td>"
        + "".join(f"<td>{_value(column.get(x))}</td>" for column in columns)
        + "</tr>"
        for x in steps
    )
    return (
        f"<details><summary>Values</summary><table><tr><th>{escape(x_title)}</th>{head}</tr>"
        f"{rows}</table></details>"
    )


def spaced(points: Sequence[Point], most: int = TOLD) -> list[Point]:
    """Return at most about `most` of the points, the first and the last among them."""
    size = math.ceil(len(points) / most)
    picked = list(points[::size])
    return picked if picked[-1] == points[-1] else [*picked, points[-1]]


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
