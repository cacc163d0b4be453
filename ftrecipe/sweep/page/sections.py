"""The sections of a sweep's page, each a piece of HTML; empty where there is nothing to tell."""

import shlex
from collections.abc import Sequence
from html import escape

from ftrecipe.amounts import NONE
from ftrecipe.sweep.page.plots import by_trial, by_value
from ftrecipe.sweep.page.story import Story, Trial
from ftrecipe.sweep.page.words import (
    cards,
    findings,
    heading,
    labels,
    settings,
    span,
    usages,
    value,
    verdict,
)

MARKS = {
    "best": "best trial",
    "trial": "other trials",
    "middle": "median of a value",
    "lost": "without a result",
}
MOST = 30  # rows of the ranking that are seen at once


def opening(story: Story) -> str:
    """Who won, against what, and what it took."""
    best = story.best
    about = f" · {escape(', '.join(story.swept))}" if story.swept else ""
    chips = (
        "".join(f'<span class="chip">{escape(word)}</span>' for word in settings(best))
        if best
        else ""
    )
    rest = "".join(f"<p>{escape(said)}</p>" for said in findings(story))
    boxes = "".join(
        f'<div class="card"><b>{escape(shown)}</b><span>{escape(name)}</span></div>'
        for name, shown in cards(story)
    )
    return (
        f'<header><p class="kicker"><b>{escape(story.name)}</b> · a sweep{about}</p>'
        f"<h1>{escape(verdict(story))}</h1>{rest}<p>{chips}</p></header>"
        f'<div class="cards">{boxes}</div>'
    )


def plots(story: Story) -> str:
    """The objective over the trials, and against every value that was swept."""
    drawn = "".join([by_trial(story), *(by_value(story, key) for key in story.keys)])
    if not drawn:
        return ""
    keys = "".join(
        f'<span class="key {mark}">{name}</span>'
        for mark, name in MARKS.items()
        if f'{mark}"' in drawn
    )
    return (
        f'<h2>What made the difference</h2><p class="note">{escape(heading(story))} {keys}</p>'
        f'<div class="plots">{drawn}</div>'
    )


def ranking(story: Story) -> str:
    """The trials with a result, the best first."""
    ranked = story.ranked
    if not ranked:
        return ""
    shown = _table(story, ranked[:MOST])
    rest = ranked[MOST:]
    folded = (
        f"<details><summary>{len(rest)} more trials</summary>{_table(story, rest)}</details>"
        if rest
        else ""
    )
    note = '<p class="note">A trial\'s number leads to its report.</p>'
    return f"<h2>The trials, best first</h2>{shown}{folded}{note}"


def unranked(story: Story) -> str:
    """The trials without a result, and why."""
    found = story.unranked
    return f"<h2>Without a result</h2>{_table(story, found)}" if found else ""


def _table(story: Story, trials: Sequence[Trial]) -> str:
    known = labels(story.keys)
    reasons = any(trial.reason for trial in trials)
    names = "".join(f'<th title="{escape(key)}">{escape(known[key])}</th>' for key in story.keys)
    why = '<th class="reason">reason</th>' if reasons else ""
    gates = "".join(f"<th>{name}</th>" for name in story.judged)
    goal = f"<th>{escape(heading(story))}</th>"
    head = f"<th>trial</th>{goal}{names}<th>time</th>{gates}<th>status</th>{why}"
    body = "".join(_row(story, trial, reasons) for trial in trials)
    return f'<div class="scroll"><table class="trials"><tr>{head}</tr>{body}</table></div>'


def _row(story: Story, trial: Trial, reasons: bool) -> str:
    values = "".join(f"<td>{escape(trial.overrides.get(key, NONE))}</td>" for key in story.keys)
    why = f'<td class="reason">{escape(trial.reason or "")}</td>' if reasons else ""
    gates = "".join(f"<td>{escape(trial.judged[name])}</td>" for name in story.judged)
    mark = "worse" if trial.state in ("failed", "refused") else "even"
    return (
        f"<tr{' class=first' if trial == story.best else ''}><td>{_named(trial)}</td>"
        f"<td><span>{escape(value(story, trial.objective))}</span></td>{values}"
        f"<td><span>{span(trial.seconds)}</span></td>{gates}"
        f'<td class="{mark}">{escape(trial.state)}</td>'
        f"{why}</tr>"
    )


def _named(trial: Trial) -> str:
    """Return the trial's number, as a link where it has a report."""
    if trial.report is None:
        return str(trial.number)
    return f'<a href="{escape(trial.report)}">{trial.number}</a>'


def using(story: Story) -> str:
    """Commands to copy."""
    blocks = "".join(
        f'<div class="use"><h3>{escape(name)}</h3><pre>{escape(code)}</pre></div>'
        for name, code in usages(story)
    )
    return f"<h2>Use the winner</h2>{blocks}" if blocks else ""


def asked(story: Story) -> str:
    """What was swept, as it was typed."""
    told = {
        "sweeper": story.sweeper,
        "objective": f"{story.direction} {story.objective}",
        "state": story.state,
        "started": (story.started or "").replace("T", " ")[:19],
        "ended": (story.ended or "").replace("T", " ")[:19],
    }
    rows = "".join(
        f"<tr><td>{name}</td><td>{escape(said)}</td></tr>" for name, said in told.items() if said
    )
    command = shlex.join(["python", "-m", "ftrecipe", "-m", *story.words])
    return (
        f"<h2>The sweep</h2><pre>{escape(command)}</pre><p></p>"
        f'<div class="scroll"><table class="words">{rows}</table></div>'
    )
