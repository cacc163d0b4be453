"""Answers to read: some drawn by chance, never picked for effect; and the person's own prompts."""

import random
from dataclasses import dataclass
from html import escape
from typing import Any

from ftrecipe.results import BASE, TUNED
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import Rows, Suite
from ftrecipe.stages.page.texts import expected, quoted, title_of
from ftrecipe.stages.page.words import measured, who

MOST = 8
MOST_PROMPTS = 60
OPEN_PROMPTS = 12
SEED = 0


@dataclass(frozen=True)
class Sample:
    """One example with the answer of each model, and whether it is right where that is known."""

    example: dict[str, Any]
    answers: dict[str, str]
    right: dict[str, bool | None]


def drawn(suite: Suite, most: int = MOST) -> list[Sample]:
    """Return examples drawn by chance, with the same dice for every run of as many examples."""
    count = _count(suite)
    return _samples(suite, sorted(random.Random(SEED).sample(range(count), min(most, count))))


def answering(story: Story) -> Suite | None:
    """Return the suite whose answers are shown: of those that can be right or wrong, the first."""
    wrote = [suite for suite in measured(story) if _count(suite) and not is_list(suite)]
    return wrote[0] if wrote else None


def is_list(suite: Suite) -> bool:
    """Tell prompts to which no answer is right or wrong, as a person's own are, from tests."""
    return suite.eval.generates and suite.eval.direction(suite.eval.headline) != "max"


def samples(story: Story) -> str:
    """Questions drawn by chance, with the answers of all models side by side."""
    suite = answering(story)
    if suite is None:
        return ""
    found = drawn(suite)
    name = escape(suite.name)
    how = (
        f"{len(found)} of {_count(suite):,} {escape(suite.eval.of)} of {name}, drawn by chance "
        f"with seed {SEED}: not cherry-picked. All are in eval/{name}.jsonl."
    )
    body = "".join(_drawn(each, story) for each in found)
    return f'<h2>Answers at random</h2><p class="note">{how}</p>{body}'


def prompts(story: Story) -> str:
    """The person's own prompts, all of them in their order."""
    body = ""
    for suite in measured(story):
        if _count(suite) and is_list(suite):
            body += _prompts(suite, story)
    return f"<h2>Your prompts</h2>{body}" if body else ""


def _prompts(suite: Suite, story: Story) -> str:
    count = _count(suite)
    found = [_drawn(each, story) for each in _samples(suite, range(min(count, MOST_PROMPTS)))]
    rest = found[OPEN_PROMPTS:]
    more = f"<details><summary>{len(rest)} more</summary>{''.join(rest)}</details>" if rest else ""
    left = count - len(found)
    told = f'<p class="note">{left:,} more are in eval/{escape(suite.name)}.jsonl.</p>'
    return "".join(found[:OPEN_PROMPTS]) + more + (told if left > 0 else "")


def _count(suite: Suite) -> int:
    """Return the number of examples that have answers."""
    return len(next(iter(_rows(suite).values()), []))


def _rows(suite: Suite) -> dict[str, Rows]:
    """Return the answers of each model to what all were asked, the tuned model's last."""
    if not suite.eval.generates:
        return {}
    found = {who: rows for who, rows in suite.answers.items() if rows and "answer" in rows[0]}
    return dict(sorted(found.items(), key=lambda one: {BASE: 0, TUNED: 2}.get(one[0], 1)))


def _samples(suite: Suite, places: Any) -> list[Sample]:
    rows = _rows(suite)
    scores = {name: _scores(suite, found) for name, found in rows.items()}
    first = next(iter(rows.values()), [])
    return [
        Sample(
            first[at],
            {name: str(found[at]["answer"]) for name, found in rows.items()},
            {name: scores[name][at] for name in rows},
        )
        for at in places
    ]


def _scores(suite: Suite, rows: Rows) -> list[bool | None]:
    """Return for every row whether it is right, None where that is no yes or no."""
    metric = suite.eval.headline
    if suite.eval.direction(metric) != "max" or not suite.eval.is_percent(metric):
        return [None] * len(rows)
    told = {0.0: False, 100.0: True}
    return [told.get(value) for value in suite.each(rows, metric)]


def _drawn(sample: Sample, story: Story) -> str:
    answers = "".join(
        f'<div class="is-{"tuned" if name == TUNED else "base"}">'
        f'<span class="label">{escape(_label(name, story))} {_mark(sample.right[name])}</span>'
        f"{quoted(text)}</div>"
        for name, text in sample.answers.items()
    )
    return (
        f'<div class="sample"><div class="asked">{quoted(title_of(sample.example), 600)}</div>'
        f'{expected(sample.example)}<div class="pair">{answers}</div></div>'
    )


def _label(name: str, story: Story) -> str:
    return name if name in (BASE, TUNED) else who(name, story)


def _mark(right: bool | None) -> str:
    return {None: "", True: '<span class="better">✓ right</span>'}.get(
        right, '<span class="worse">✗ wrong</span>'
    )
