"""What a table of two columns cannot say: confused labels, broken answers, speed and size."""

from collections import Counter
from html import escape
from typing import Any

from ftrecipe.page.words import cut, printable
from ftrecipe.results import BASE, TUNED
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import Rows, Suite
from ftrecipe.stages.page.texts import quoted, title_of
from ftrecipe.stages.page.words import amount, heading, measured, timed, who

MOST_LABELS = 16
MOST_FAULTS = 6
OTHERS = "(others)"


UNITS = ("_seconds", "_bytes")  # told with the number


def speed(story: Story) -> str:
    """How fast and how large each model is, with nothing said of what is real."""
    drawn = "".join(_speed(suite, story) for suite in timed(story))
    note = (
        '<p class="note">Timings hold whatever else the machine did meanwhile: what differs little '
        "may not differ at all.</p>"
    )
    return f"<h2>Speed and size</h2>{drawn}{note}" if drawn else ""


def _speed(suite: Suite, story: Story) -> str:
    names = [name for name in (BASE, *story.others, TUNED) if name in suite.values]
    shown = [name if name in (BASE, TUNED) else who(name, story) for name in names]
    head = "".join(f"<th>{escape(name)}</th>" for name in ("", *shown))
    metrics = sorted(suite.known, key=lambda metric: metric != suite.telling)
    rows = "".join(
        f"<tr><td>{escape(_called(metric))}</td>"
        + "".join(
            f"<td>{escape(amount(suite, metric, suite.values[name].get(metric)))}</td>"
            for name in names
        )
        + "</tr>"
        for metric in metrics
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'


def _called(metric: str) -> str:
    """Return a metric's name without the unit that its values have."""
    for unit in UNITS:
        metric = metric.removesuffix(unit)
    return heading(metric)


def confusions(story: Story) -> str:
    """Which label was taken for which, of every suite whose rows hold `gold` and `predicted`."""
    drawn = ""
    for suite in measured(story):
        tables = [
            _confusion(name, suite.rows[name])
            for name in (BASE, TUNED)
            if suite.rows.get(name) and "predicted" in suite.rows[name][0]
        ]
        if tables:
            drawn += (
                f"<h2>Which label was taken for which <small>{escape(suite.name)}</small></h2>"
                f'<div class="half">{"".join(tables)}</div>'
            )
    return drawn


def matrix(rows: Rows) -> tuple[list[str], dict[tuple[str, str], int]]:
    """Return the labels, the most frequent first and the rest as one, and the counts of pairs."""
    often = Counter(str(row[key]) for row in rows for key in ("gold", "predicted"))
    labels = sorted(often, key=lambda label: (-often[label], label))
    if len(labels) > MOST_LABELS:
        labels = [*labels[: MOST_LABELS - 1], OTHERS]
    known = set(labels)
    pairs = Counter(
        tuple(str(row[key]) if str(row[key]) in known else OTHERS for key in ("gold", "predicted"))
        for row in rows
    )
    return labels, {(gold, said): count for (gold, said), count in pairs.items()}


def _confusion(name: str, rows: Rows) -> str:
    labels, pairs = matrix(rows)
    shown = [escape(cut(printable(label), 24)) for label in labels]
    head = "".join(f'<th scope="col"><bdi>{label}</bdi></th>' for label in shown)
    totals = {gold: sum(pairs.get((gold, said), 0) for said in labels) for gold in labels}
    body = "".join(
        f'<tr><th scope="row"><bdi>{shown[at]}</bdi></th>'
        + "".join(_cell(pairs.get((gold, said), 0), totals[gold], gold == said) for said in labels)
        + "</tr>"
        for at, gold in enumerate(labels)
    )
    return (
        f'<div class="panel"><h3>{escape(name)} <small>a row an expected label, a column a '
        f'predicted one</small></h3><div class="scroll bare"><table class="confusion">'
        f"<tr><td></td>{head}</tr>{body}</table></div></div>"
    )


def _cell(count: int, total: int, right: bool) -> str:
    if not count:
        return "<td>·</td>"
    share = round(100 * count / total)
    style = "right" if right else "wrong"
    return f'<td class="{style}" style="--share:{share}%">{count:,}</td>'


def failures(story: Story) -> str:
    """Answers of the tuned model that a suite found a fault in, and why, by how often."""
    drawn = ""
    for suite in measured(story):
        found = [(row, why) for row in suite.rows.get(TUNED, []) if (why := faults(suite, row))]
        if found:
            drawn += _failures(suite, found)
    return drawn


def faults(suite: Suite, row: dict[str, Any]) -> list[str]:
    """Return what an answer was held to and is not: each check of its row that came out bad."""
    failed = [
        metric
        for metric in suite.eval.percents
        if isinstance(row.get(metric), bool)
        and row[metric] == (suite.eval.direction(metric) == "min")
    ]
    return [f"{heading(metric)}: {'yes' if row[metric] else 'no'}" for metric in failed]


def _failures(suite: Suite, found: list[tuple[dict[str, Any], list[str]]]) -> str:
    why = Counter(fault for _, each in found for fault in each)
    told = "".join(
        f"<tr><td>{escape(cut(printable(fault), 200))}</td><td>{count:,}</td></tr>"
        for fault, count in why.most_common(MOST_FAULTS)
    )
    left = len(why) - MOST_FAULTS
    more = f'<tr><td class="even">and {left:,} more kinds</td><td></td></tr>' if left > 0 else ""
    shown = "".join(_fault(row, each) for row, each in found[:MOST_FAULTS])
    of = len(suite.rows[TUNED])
    return (
        f"<h2>Answers of the wrong form <small>{escape(suite.name)}: {len(found):,} of {of:,}"
        f'</small></h2><div class="scroll"><table>{told}{more}</table></div>'
        f"<details><summary>The first {min(len(found), MOST_FAULTS)}</summary>{shown}</details>"
    )


def _fault(row: dict[str, Any], why: list[str]) -> str:
    told = "; ".join([*why, *([str(row["schema_fault"])] if "schema_fault" in row else [])])
    said = escape(cut(printable(told), 300))
    return (
        f'<div class="sample"><div class="asked">{quoted(title_of(row), 600)}</div>'
        f'<p class="worse">✗ {said}</p>{quoted(str(row.get("answer", "")))}</div>'
    )
