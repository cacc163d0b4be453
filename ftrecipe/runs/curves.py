"""Loss curves of several runs in one drawing, with a text alternative; an SVG and no more."""

from collections.abc import Sequence
from html import escape

from ftrecipe.page.charts import finite, thinned

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 260, 56, 28
MOST_POINTS = 200
COLORS = ("--tuned", "--other", "--base", "--better", "--worse", "--ink")
DASHES = ("", "6 4", "2 3", "8 3 2 3")

Points = Sequence[tuple[float, float]]


def drawing(curves: Sequence[Points], names: Sequence[str]) -> str:
    """Return the curves that have points as a figure; empty where none has two."""
    known = [
        (name, thinned(finite(points), MOST_POINTS))
        for name, points in zip(names, curves, strict=True)
    ]
    if not any(len(points) > 1 for _, points in known):
        return ""
    xs = [x for _, points in known for x, _ in points]
    ys = [y for _, points in known for _, y in points]
    frame = min(xs), max(xs), min(ys), max(ys)
    lines = "".join(_line(points, at, frame) for at, (_, points) in enumerate(known) if points)
    spoken = "; ".join(
        f"{name} from {points[0][1]:.3g} to {points[-1][1]:.3g}" for name, points in known if points
    )
    legend = " ".join(
        f'<span style="white-space:nowrap"><svg width="26" height="8" style="display:inline-block;'
        f'width:26px" aria-hidden="true"><line x1="0" y1="4" x2="26" y2="4" {_stroke(at)}/></svg> '
        f"{escape(name)}</span>"
        for at, (name, points) in enumerate(known)
        if points
    )
    return (
        f"<h2>While they trained</h2><figure><figcaption>Training loss by step {legend}"
        f'</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Training loss by step: {escape(spoken)}">{_axes(frame)}{lines}</svg></figure>'
    )


def _axes(frame: tuple[float, float, float, float]) -> str:
    """Return the two axes, with a value at each end and in the middle."""
    left, right, low, high = frame
    parts = []
    for share in (0, 0.5, 1):
        step, loss = left + share * (right - left), low + share * (high - low)
        x, y = _place(step, loss, frame)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y}" y2="{y}"/>'
            f'<text class="axis" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{loss:.3g}</text>'
            f'<text class="axis" x="{x}" y="{HEIGHT - 6}" '
            f'text-anchor="{("start", "middle", "end")[int(2 * share)]}">{step:,.0f}</text>'
        )
    return "".join(parts)


def _line(points: Points, at: int, frame: tuple[float, float, float, float]) -> str:
    placed = " ".join("{},{}".format(*_place(x, y, frame)) for x, y in points)
    return f'<polyline points="{placed}" fill="none" {_stroke(at)}/>'


def _stroke(at: int) -> str:
    """Return how a line is drawn: a color and, once all were used, dashes."""
    dash = DASHES[at // len(COLORS) % len(DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="var({COLORS[at % len(COLORS)]})" stroke-width="2"{dashed}'


def _place(x: float, y: float, frame: tuple[float, float, float, float]) -> tuple[float, float]:
    left, right, low, high = frame
    across = (x - left) / (right - left or 1) * (WIDTH - LEFT - 8)
    up = (y - low) / (high - low or 1) * (HEIGHT - BOTTOM - 16)
    return round(LEFT + across, 1), round(HEIGHT - BOTTOM - up, 1)
