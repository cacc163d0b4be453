"""Numbers and findings in words, the same for the page and for the pull request."""

import math
from dataclasses import dataclass

from ftrecipe.page.words import duration, number, size, title
from ftrecipe.stages.page.story import Story, Suite


@dataclass(frozen=True)
class Line:
    """One row of the before/after table; `better` is None where nothing is better or worse."""

    suite: str
    metric: str
    base: str
    tuned: str
    change: str
    better: bool | None


def measured(story: Story) -> list[Suite]:
    """Return the suites that have numbers, the verdict's first."""
    return sorted((suite for suite in story.suites if suite.tuned or suite.base), key=_modesty)


def lines(suite: Suite) -> list[Line]:
    """Return the table rows of a suite, its headline first."""
    known = suite.tuned or suite.base or {}
    ordered = sorted(known, key=lambda metric: metric != suite.headline)
    return [_line(suite, metric) for metric in ordered]


def _line(suite: Suite, metric: str) -> Line:
    base, tuned = (side.get(metric) if side else None for side in (suite.base, suite.tuned))
    percent = metric in suite.percents
    change, better = "", None
    if base is not None and tuned is not None and metric in suite.directions:
        change = _change(tuned - base, percent)
        if tuned != base:
            better = (tuned > base) == (suite.directions[metric] == "max")
    shown = number(base, percent), number(tuned, percent)
    return Line(suite.name, title(metric), *shown, change, better)


def _change(difference: float, percent: bool) -> str:
    if not math.isfinite(difference):
        return ""
    if difference == 0:
        return "no change"
    size = number(abs(difference), percent).replace(" %", " points")
    return f"{'+' if difference > 0 else '−'}{size}"


def verdict(story: Story) -> str:
    """Return the finding that counts, as one sentence."""
    told = _told(story)
    return _sentence(told[0]) if told else "The tuned model was not measured."


def _modesty(suite: Suite) -> tuple[bool, bool]:
    """Order suites for the verdict: right answers first, then what has a baseline."""
    answers = suite.generates and suite.directions.get(suite.headline) == "max"
    return (not answers, suite.base is None)


def _told(story: Story) -> list[Suite]:
    return [suite for suite in measured(story) if suite.tuned and suite.headline in suite.tuned]


def _stayed(suite: Suite) -> bool:
    name = suite.headline
    return (
        suite.base is not None
        and suite.tuned is not None
        and (suite.base.get(name) == suite.tuned.get(name))
    )


def _telling(suite: Suite) -> str:
    """Return the metric to speak of: where no long answer matches exactly, F1 tells more."""
    if not _stayed(suite):
        return suite.headline
    base, tuned = suite.base or {}, suite.tuned or {}
    moved = [name for name in suite.percents if base.get(name) != tuned.get(name)]
    return moved[0] if moved and suite.headline in suite.percents else suite.headline


def _sentence(suite: Suite) -> str:
    assert suite.tuned is not None
    metric = _telling(suite)
    name, percent = title(metric), metric in suite.percents
    after = suite.tuned[metric]
    if suite.base is None or metric not in suite.base:
        return f"{name} on {suite.of} is {number(after, percent)}; the base was not measured."
    before = suite.base[metric]
    if before == after:
        return f"{name} on {suite.of} stayed at {number(after, percent)}."
    verb = "rose" if after > before else "fell"
    return (
        f"{name} on {suite.of} {verb} from {number(before, percent)} to {number(after, percent)}."
    )


def findings(story: Story) -> list[str]:
    """Return what else changed, a sentence a suite, without the verdict's."""
    return [_sentence(suite) for suite in _told(story)[1:] if not _stayed(suite)]


def costs(story: Story) -> list[tuple[str, str]]:
    """Return what the training took: name and value."""
    shown = {
        "seconds": ("training time", duration),
        "steps": ("steps", number),
        "tokens_per_second": ("tokens a second", lambda rate: f"{rate:,.0f}"),
        "peak_memory_bytes": ("peak memory", size),
        "loss": ("training loss, mean", number),
        "processes": ("processes", number),
    }
    known = story.train if story.train.get("processes", 1) > 1 else story.train | {"processes": 0}
    return [(name, say(known[key])) for key, (name, say) in shown.items() if known.get(key)]


def chosen(option: object) -> str:
    """Return the name of a group's option, or of several."""
    return ", ".join(map(str, option)) if isinstance(option, list) else str(option)
