"""Horizontal bars as HTML: a label, a bar made of parts, and its number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from ftrecipe.page.words import cut

Part = tuple[str, float]  # the CSS class that fills it (none: left empty), and how much it is

_LABEL = 60  # characters


@dataclass(frozen=True)
class Bar:
    """One line: parts add up to at most `whole` of its list; `style` is total, soft or empty."""

    label: str
    parts: Sequence[Part]
    value: str
    share: str = ""
    style: str = ""


def bars(lines: Sequence[Bar | str], whole: float) -> str:
    """Return the bars, each drawn against `whole`; a text between them is a remark."""
    return f'<div class="bars">{"".join(_line(line, whole) for line in lines)}</div>'


def strip(parts: Sequence[Part], whole: float, style: str = "") -> str:
    """Return one bar alone."""
    drawn = "".join(_part(fill, value, whole) for fill, value in parts if value > 0)
    return f'<div class="bar {style}" aria-hidden="true">{drawn}</div>'


def counted(counts: Mapping[str, int], most: int, noun: str) -> str:
    """Return a bar for each of the `most` largest counts, and how many more there are."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    whole = sum(counts.values())
    lines: list[Bar | str] = [
        Bar(name, [("some", count)], f"{count:,}", share(count, whole))
        for name, count in ordered[:most]
    ]
    if rest := ordered[most:]:
        told = f"and {len(rest):,} more {noun}"
        more = sum(count for _, count in rest)
        lines.append(Bar(told, [("some", more)], f"{more:,}", share(more, whole), "soft"))
    return bars(lines, max(more for _, more in [*ordered[:1], ("", 1)]))


def share(part: float, whole: float) -> str:
    """Return a part in percent, never rounded to nothing or to all."""
    if not whole:
        return ""
    percent = 100 * part / whole
    if 0 < percent < 1:
        return "< 1 %"
    return f"{percent:.1f} %" if 99 <= percent < 100 else f"{percent:.0f} %"


def _line(line: Bar | str, whole: float) -> str:
    if isinstance(line, str):
        return f'<span class="from">{escape(line)}</span>'
    small = f" <small>{escape(line.share)}</small>" if line.share else ""
    return (
        f'<span class="{line.style}"><bdi>{escape(cut(line.label, _LABEL))}</bdi></span>'
        f"{strip(line.parts, whole)}<b>{escape(line.value)}{small}</b>"
    )


def _part(fill: str, value: float, whole: float) -> str:
    style = f' class="some fill-{fill}"' if fill else ""
    return f'<i{style} style="width:{min(100.0, 100 * value / max(whole, 1)):.3f}%"></i>'
