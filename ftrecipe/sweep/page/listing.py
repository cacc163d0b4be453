"""The trials as a table: a CSV file with all of them, and aligned lines for a terminal."""

import io
from collections.abc import Sequence
from csv import writer

from ftrecipe.amounts import NONE
from ftrecipe.sweep.page.story import Story, Trial
from ftrecipe.sweep.page.words import heading, labels, said_of_the_gate, span, value

MOST_RANKED = 20
MOST_UNRANKED = 10
LONGEST = 100  # characters of a reason
WIDEST = 40  # characters of a value


def csv(story: Story) -> str:
    """Return every trial, the best first; what is not known is left empty."""
    text = io.StringIO()
    rows = writer(text, lineterminator="\n")
    rows.writerow([
        "number", "state", "objective", "seconds", *story.keys, "reason", "run", "gate", "exports",
    ])  # fmt: skip
    for trial in story.trials:
        values = [trial.overrides.get(key) for key in story.keys]
        known = [trial.number, trial.state, trial.objective, trial.seconds]
        rows.writerow([*known, *values, trial.reason, trial.run, *trial.judged.values()])
    return text.getvalue()


def lines(story: Story) -> list[str]:
    """Return the best trials aligned, then those without a result with their reasons."""
    names = [_cut(name, WIDEST) for name in labels(story.keys).values()]
    head = ["trial", heading(story), *names, "time", *story.judged, "state"]
    ranked, unranked = story.ranked[:MOST_RANKED], story.unranked[:MOST_UNRANKED]
    rows = [[*_cells(story, trial), trial.state] for trial in ranked]
    rows += [[*_cells(story, trial), _ended(trial)] for trial in unranked]
    left = len(story.trials) - len(rows)
    more = [f"and {left} more in {story.folder / 'sweep.csv'}"] if left else []
    return [*_aligned([head, *rows]), *more, *said_of_the_gate(story)]


def _cells(story: Story, trial: Trial) -> list[str]:
    values = [_cut(trial.overrides.get(key, NONE), WIDEST) for key in story.keys]
    judged = [trial.judged[name] for name in story.judged]
    return [str(trial.number), value(story, trial.objective), *values, span(trial.seconds), *judged]


def _ended(trial: Trial) -> str:
    return f"{trial.state}: {_cut(trial.reason, LONGEST)}" if trial.reason else trial.state


def _cut(text: str, most: int) -> str:
    """Return text on one line, and not too much of it."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
