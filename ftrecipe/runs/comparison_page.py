"""Several runs side by side, as one self-contained page."""

import shlex
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ftrecipe.lock.contents import shown
from ftrecipe.page import sheet
from ftrecipe.page.words import printable, title
from ftrecipe.rundir import write_text
from ftrecipe.runs.comparison import Answers, Cell, Comparison, Metric
from ftrecipe.runs.comparison_table import BEST, COST, change, letters, spent, value
from ftrecipe.runs.curves import drawing

LONGEST = 1200  # characters of an answer


def write(made: Comparison, file: Path) -> None:
    """Write the page."""
    file.parent.mkdir(parents=True, exist_ok=True)
    names = letters(made)
    parts = [
        _opening(made, names), _metrics(made, names), drawing(made.curves, names),
        _differences(made, names), _cost(made, names), _answers(made, names),
        _again(made),
    ]  # fmt: skip
    body = "\n".join(part for part in parts if part)
    folders = ", ".join(run.folder for run in made.runs)
    write_text(file, sheet(_title(made), body, folders))


def _title(made: Comparison) -> str:
    return f"{len(made.runs)} runs side by side"


def _opening(made: Comparison, names: Sequence[str]) -> str:
    rows = "".join(
        f"<tr><td><b>{short}</b></td><td>{_said(run.folder)}</td><td>{_said(called)}</td>"
        f"<td>{_said(run.state)}</td></tr>"
        for short, run, called in zip(names, made.runs, made.names, strict=True)
    )
    head = "<tr><th></th><th>run</th><th>asked for as</th><th>status</th></tr>"
    return (
        f"<header><h1>{escape(_title(made))}</h1></header>"
        f'<div class="scroll"><table class="words settings">{head}{rows}</table></div>'
    )


def _metrics(made: Comparison, names: Sequence[str]) -> str:
    if not made.metrics:
        return ""
    head = "".join(f"<th>{short}</th>" for short in names)
    rows = [_suite(made, suite) for suite in dict.fromkeys(one.suite for one in made.metrics)]
    notes = "".join(f'<p class="warning">{_said(note)}</p>' for note in made.notes)
    told = (
        f"The best is marked {BEST}. Changes are against <b>{names[0]}</b>, on the same examples, "
        "with 95 % intervals of a paired bootstrap."
    )
    table = f"<tr><th>metric</th>{head}</tr>{''.join(rows)}"
    return (
        f'<h2>What they can do</h2><div class="scroll"><table>{table}</table></div>'
        f'<p class="note">{told}</p>{notes}'
    )


def _suite(made: Comparison, suite: str) -> str:
    span = len(made.runs) + 1
    rows = "".join(_metric(one) for one in made.metrics if one.suite == suite)
    return f'<tr class="suite"><td colspan="{span}">{_said(suite)}</td></tr>{rows}'


def _metric(metric: Metric) -> str:
    arrow = {"max": " ↑", "min": " ↓"}.get(metric.direction or "", "")
    cells = "".join(f"<td>{_cell(metric, cell)}</td>" for cell in metric.cells)
    return f"<tr><td>{_said(_called(metric.name))}{arrow}</td>{cells}</tr>"


def _called(metric: str) -> str:
    """Return a metric's name for people; of a part, with the part: "F1 (questions)"."""
    name, _, part = metric.partition(".")
    return f"{title(name)} ({part})" if part else title(name)


def _cell(metric: Metric, cell: Cell) -> str:
    told = escape(value(metric, cell))
    number = f"<b>{told}</b>" if cell.best else told
    moved = change(metric, cell)
    style = {True: "better", False: "worse", None: "even"}[cell.better]
    return number + (f'<br><small class="{style}">{escape(moved)}</small>' if moved else "")


def _differences(made: Comparison, names: Sequence[str]) -> str:
    if not made.differing:
        return "<h2>Where they differ</h2><p>Not in their config, nor in their data.</p>"
    head = "".join(f"<th>{short}</th>" for short in names)
    rows = "".join(
        f"<tr><td>{_said(item)}</td>"
        + "".join(f"<td><code>{_said(shown(one))}</code></td>" for one in values)
        + "</tr>"
        for _, item, values in made.differing
    )
    table = f'<table class="words settings"><tr><th></th>{head}</tr>{rows}</table>'
    return f'<h2>Where they differ</h2><div class="scroll">{table}</div>'


def _cost(made: Comparison, names: Sequence[str]) -> str:
    head = "".join(f"<th>{short}</th>" for short in names)
    rows = "".join(
        f"<tr><td>{label}</td>"
        + "".join(f"<td>{escape(spent(made, at, key))}</td>" for at in range(len(names)))
        + "</tr>"
        for key, (label, _) in COST.items()
    )
    table = f"<table><tr><th></th>{head}</tr>{rows}</table>"
    return f'<h2>What they took</h2><div class="scroll">{table}</div>'


def _answers(made: Comparison, names: Sequence[str]) -> str:
    if not made.answers:
        return ""
    told = (
        f"{len(made.answers)} of {made.shared:,} questions that they all answered, drawn at "
        "random; none was picked by hand."
    )
    shown_ones = "".join(_answer(one, names) for one in made.answers)
    return f'<h2>Answers side by side</h2><p class="note">{told}</p>{shown_ones}'


def _answer(one: Answers, names: Sequence[str]) -> str:
    sides = "".join(
        f'<div><span class="label">{short}</span><p>{_text(text)}</p></div>'
        for short, text in zip(names, one.answers, strict=True)
    )
    expected = " · ".join(one.expected)
    wanted = f'<p><span class="label">expected</span> {_said(expected)}</p>' if expected else ""
    return (
        f'<div class="sample"><h3>{_said(one.question)}</h3>{wanted}'
        f'<div class="pair">{sides}</div></div>'
    )


def _text(text: str | None) -> str:
    if text is None:
        return '<span class="even">not asked</span>'
    return _said(text) if text else '<span class="even">(nothing)</span>'


def _again(made: Comparison) -> str:
    words = " ".join(shlex.quote(run.folder) for run in made.runs)
    return (
        '<h2>Make it again</h2><div class="use">'
        f"<pre>{escape(f'python -m ftrecipe runs compare {words}')}</pre></div>"
    )


def _said(text: str) -> str:
    """Return text of anybody's as HTML that does nothing but be read."""
    return escape(printable(text if len(text) <= LONGEST else text[:LONGEST] + " …"))
