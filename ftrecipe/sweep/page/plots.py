"""The objective drawn: over the trials, and against each swept value; no library."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import TypeAlias

from ftrecipe.page.axes import LEFT, RIGHT, Area, Axis, short, spanning, ticks
from ftrecipe.sweep.page.story import Story, Trial
from ftrecipe.sweep.page.words import heading, settings, value

WIDTH, HEIGHT = 520, 300
ROOM = WIDTH - LEFT - RIGHT
LETTER = 7.5  # pixels of one letter of a tick's name
DECADE = 10  # from this ratio on, swept values may lie on a log axis
FAR = 100  # from this ratio on, objectives may
NAMED = 8  # so many different values are named each on the axis
MEDIANS = 12  # and of so many the median is drawn

Placed: TypeAlias = list[tuple[float, Trial]]


def by_trial(story: Story) -> str:
    """Return the objective in the order of the trials, with the best so far."""
    ranked = sorted(story.ranked, key=lambda trial: trial.number)
    if len(ranked) < 2:
        return ""
    last = max(trial.number for trial in story.trials)
    marks = [(mark, short(mark)) for mark in ticks(0, last, 6) if mark <= last and mark % 1 == 0]
    axis = _with_room(_padded(0, last, marks))
    area = Area(axis, _scores(story), WIDTH, HEIGHT)
    places: Placed = [(trial.number, trial) for trial in story.trials]
    shapes = [_best_so_far(area, story, ranked), *_marks(area, story, places)]
    return _figure(story, "trial number", "trial", area, shapes)


def by_value(story: Story, key: str) -> str:
    """Return the objective against the values of one key; empty where it had but one."""
    trials = [trial for trial in story.trials if key in trial.overrides]
    texts = list(dict.fromkeys(trial.overrides[key] for trial in trials))
    if len(texts) < 2 or not any(trial.score is not None for trial in trials):
        return ""
    numbers = {text: amount for text in texts if (amount := _number(text)) is not None}
    if len(numbers) == len(texts):
        axis, at = _numeric(numbers), numbers
        places: Placed = [(at[trial.overrides[key]], trial) for trial in trials]
    else:
        texts.sort(key=lambda text: numbers.get(text, math.inf))
        axis, at = _strips(texts), {text: float(place) for place, text in enumerate(texts)}
        places = [(at[trial.overrides[key]] + _aside(trial), trial) for trial in trials]
    area = Area(axis, _scores(story), WIDTH, HEIGHT)
    medians = _medians(area, {at[text]: _having(trials, key, text) for text in texts})
    return _figure(story, key, key, area, [*medians, *_marks(area, story, places)])


def _having(trials: Sequence[Trial], key: str, text: str) -> list[float]:
    return [t.score for t in trials if t.overrides[key] == text and t.score is not None]


def _number(text: str) -> float | None:
    """Return the number that a swept value is, None for words, and for what cannot be drawn."""
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if math.isfinite(amount) else None


def _numeric(numbers: dict[str, float]) -> Axis:
    """Return the axis of numbers: a log one where they span decades; few are named as written."""
    low, high = min(numbers.values()), max(numbers.values())
    log = _calls_for_log(list(numbers.values()), DECADE)
    if len(numbers) <= NAMED:
        marks = sorted((amount, text) for text, amount in numbers.items())
    elif log:
        marks = _decades(low, high)
    else:
        marks = [(mark, short(mark)) for mark in ticks(low, high, 5) if low <= mark <= high]
    return _with_room(_padded(low, high, marks, log))


def _calls_for_log(values: Sequence[float], ratio: float) -> bool:
    """Tell values that span decades evenly from those that only come close to zero."""
    low, high, middle = min(values), max(values), statistics.median(values)
    if low <= 0 or high / low < ratio:
        return False
    linear, log = Axis(low, high, []), Axis(low, high, [], log=True)
    return abs(log.share(middle) - 0.5) < abs(linear.share(middle) - 0.5)


def _decades(low: float, high: float) -> list[tuple[float, str]]:
    """Return the powers of ten from `low` to `high`; where there are few, 2 and 5 of each too."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors = (1,) if last - first > 3 else (1, 2, 5)
    found = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
    return [(mark, short(mark)) for mark in found if low * 0.999 <= mark <= high * 1.001]


def _padded(low: float, high: float, marks: list[tuple[float, str]], log: bool = False) -> Axis:
    """Return an axis with a margin on both sides."""
    if log:
        margin = (high / low) ** 0.06
        return Axis(low / margin, high * margin, marks, log=True)
    margin = (high - low) * 0.06 or 1.0
    return Axis(low - margin, high + margin, marks)


def _with_room(axis: Axis) -> Axis:
    """Return the axis of columns with only the ticks whose names do not touch."""
    kept: list[tuple[float, str]] = []
    taken = -math.inf
    for mark, name in axis.ticks:
        half = len(name) * LETTER / 2
        if ROOM * axis.share(mark) - half > taken:
            kept.append((mark, name))
            taken = ROOM * axis.share(mark) + half + LETTER
    return replace(axis, ticks=kept)


def _strips(texts: Sequence[str]) -> Axis:
    """Return an axis with one strip a value; long names are cut to what a strip has room for."""
    room = max(2, int(ROOM / len(texts) / LETTER) - 1)
    names = [text if len(text) <= room else f"{text[: room - 1]}…" for text in texts]
    return Axis(-0.5, len(texts) - 0.5, [(float(at), name) for at, name in enumerate(names)])


def _aside(trial: Trial) -> float:
    """Return how far from the middle of its strip a dot lies: spread, and always the same."""
    return (trial.number * 0.618034 % 1 - 0.5) * 0.4


def _scores(story: Story) -> Axis:
    scores = [trial.score for trial in story.ranked if trial.score is not None]
    low, high = min(scores), max(scores)
    if _calls_for_log(scores, FAR):
        return _padded(low, high, _decades(low, high), log=True)
    return spanning(low, high, HEIGHT // 60)


def _best_so_far(area: Area, story: Story, ranked: Sequence[Trial]) -> str:
    better = max if story.direction == "maximize" else min
    scores = [trial.score for trial in ranked if trial.score is not None]
    points, best = [], scores[0]
    for trial, score in zip(ranked, scores, strict=True):
        points.append((trial.number, best))
        best = better(best, score)
        points.append((trial.number, best))
    placed = " ".join(f"{area.x(x)},{area.y(y)}" for x, y in points)
    return f'<polyline class="curve best" points="{placed}"/>'


def _medians(area: Area, scores: dict[float, list[float]]) -> list[str]:
    """Return a short line at the median of every value that several trials had."""
    if len(scores) > MEDIANS:
        return []
    middles = [(x, statistics.median(found)) for x, found in scores.items() if len(found) > 1]
    return [
        f'<line class="middle" x1="{area.x(x) - 14:.1f}" x2="{area.x(x) + 14:.1f}" '
        f'y1="{area.y(y)}" y2="{area.y(y)}"/>'
        for x, y in middles
    ]


def _marks(area: Area, story: Story, places: Placed) -> list[str]:
    """Return a dot for every trial with a score, the best on top, and a cross for the others."""
    drawn = [_mark(area, story, x, trial) for x, trial in reversed(places)]
    return [mark for mark in drawn if mark]


def _mark(area: Area, story: Story, x: float, trial: Trial) -> str:
    at, made = area.x(x), escape(" ".join(settings(trial)))
    if trial.score is None:
        if trial.state == "running":
            return ""
        return (
            f'<path class="lost" d="M{at - 4:.1f},{area.floor - 9}l8,8m0,-8l-8,8">'
            f"<title>trial {trial.number} {escape(trial.state)}: {made}</title></path>"
        )
    best = trial == story.best
    told = f"trial {trial.number}: {escape(value(story, trial.score))}, {made}"
    dot = (
        f'<circle class="dot {"best" if best else "trial"}" cx="{at}" '
        f'cy="{area.y(trial.score)}" r="{6 if best else 4}"><title>{told}</title></circle>'
    )
    return dot if trial.report is None else f'<a href="{escape(trial.report)}">{dot}</a>'


def _figure(story: Story, title: str, x_title: str, area: Area, shapes: Sequence[str]) -> str:
    best = story.best
    assert best is not None
    spoken = f"{heading(story)} by {title}; best {value(story, best.score)} in trial {best.number}"
    drawing = area.svg(spoken, x_title, shapes)
    return f"<figure><figcaption>By {escape(title)}</figcaption>{drawing}</figure>"
