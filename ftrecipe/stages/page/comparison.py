"""The table: each metric of the base and of the tuned model, the change, and whether it is real."""

import math
from collections.abc import Sequence
from html import escape

from ftrecipe.results import BASE
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import Change, Suite
from ftrecipe.stages.page.words import Line, counts, lines, measured, who

WORDS = {"better": "▲ better", "worse": "▼ worse", "changed": "◆ changed", "even": "no real change",
         "": ""}  # fmt: skip
MOST = 200  # rows
NOTE = (
    "All models were asked the same examples in the same way. A change is called real where its "
    "95 % interval, from a paired bootstrap over the examples, leaves out zero; changes of "
    "percentages are in points."
)


def comparison(story: Story) -> str:
    """The base and the tuned model; then, folded, each other baseline."""
    told = measured(story)
    if not told:
        return ""
    others = "".join(
        f"<details open><summary>Against <b>{escape(who(name, story))}</b></summary>"
        f"{_table(told, name, name)}</details>"
        for name in story.others
    )
    after = any(suite.tuned for suite in told)
    head = "Before and after" if after else "Before training"
    note = f'<p class="note">{NOTE}</p>' if after else ""
    return f"<h2>{head}</h2>{_table(told, BASE, 'base')}{others}{note}"


def _table(suites: Sequence[Suite], against: str, title: str) -> str:
    shown = [suite for suite in suites if against in suite.values or against == BASE]
    body = "".join(_suite(suite, against, title) for suite in shown)
    return _framed(body, title) + "".join(_parts(suite, against, title) for suite in shown)


def _framed(body: str, title: str) -> str:
    names = ("", title, "tuned", "change", "95 % interval", "")
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    return (
        '<div class="scroll"><table class="compare">'
        f"<thead><tr>{head}</tr></thead>{body}</table></div>"
    )


def _suite(suite: Suite, against: str, title: str) -> str:
    of = " · ".join([suite.of, *counts(suite)])
    head = (
        f'<tr class="suite"><th scope="rowgroup" colspan="6">{escape(suite.name)} '
        f"<small>{escape(of)}</small></th></tr>"
    )
    return f"<tbody>{head}{_rows(lines(suite, against), title, parts=False)}</tbody>"


def _parts(suite: Suite, against: str, title: str) -> str:
    """Return the metrics of parts, of each source or label, folded."""
    rows = _rows(lines(suite, against), title, parts=True)
    if not rows:
        return ""
    table = _framed(f"<tbody>{rows}</tbody>", title)
    name = f"{escape(suite.name)} <small>part by part</small>"
    return f"<details><summary>{name}</summary>{table}</details>"


def _rows(told: Sequence[Line], title: str, parts: bool) -> str:
    shown = [line for line in told if ("." in line.key) == parts][:MOST]
    reach = _reach(shown)
    return "".join(_row(line, title, reach, at == 0 and not parts) for at, line in enumerate(shown))


def _reach(told: Sequence[Line]) -> dict[str, float]:
    """Return by unit how far the intervals of a suite go from zero: what its bars are drawn to."""
    found: dict[str, float] = {}
    for line in told:
        if line.change is not None and line.change.ends is not None:
            far = max(map(abs, line.change.ends))
            key = _unit(line)
            found[key] = max(found.get(key, 0.0), far)
    return found


def _unit(line: Line) -> str:
    return "%" if line.after.endswith("%") else line.metric


def _row(line: Line, title: str, reach: dict[str, float], first: bool) -> str:
    drawn = _whisker(line.change, reach.get(_unit(line), 0.0), line.verdict)
    shown = f'<div>{drawn}<span class="nums">{escape(line.interval)}</span></div>'
    word = WORDS[line.verdict]
    return (
        f"<tr{' class=first' if first else ''}>"
        f'<th scope="row">{escape(line.metric)}</th>'
        f'<td data-is="{escape(title)}">{escape(line.before)}</td>'
        f'<td data-is="tuned">{escape(line.after)}</td>'
        f'<td data-is="change">{escape(line.shift) or "–"}</td>'
        f"<td>{shown if line.interval else '–'}</td>"
        f'<td class="{line.verdict or "even"}">{word}</td></tr>'
    )


def _whisker(change: Change | None, reach: float, tone: str) -> str:
    """Return the interval as a bar about zero; the numbers beside it say the same."""
    if change is None or change.ends is None or change.change is None or not 0 < reach < math.inf:
        return ""
    low, high, at = (50 + 48 * end / reach for end in (*change.ends, change.change))
    return (
        f'<i class="whisker {tone}" aria-hidden="true">'
        f'<b style="left:{low:.1f}%;width:{max(high - low, 0.8):.1f}%"></b>'
        f'<u style="left:{at:.1f}%"></u></i>'
    )
