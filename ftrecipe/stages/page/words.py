"""Values, changes and intervals in words, the same for the page and for the pull request."""

import math
from dataclasses import dataclass

from ftrecipe.amounts import duration, number, signed, size
from ftrecipe.baselines import FEW_SHOT
from ftrecipe.page.words import MISSING, title
from ftrecipe.results import BASE, TUNED
from ftrecipe.stages.page.story import Story
from ftrecipe.stages.page.suite import Change, Suite


@dataclass(frozen=True)
class Line:
    """One row of a before/after table, in words; `verdict` is better, worse, changed or even.

    key: the metric's own name. change: what is behind the words, None for no interval.
    """

    suite: str
    key: str
    metric: str
    before: str
    after: str
    shift: str
    interval: str
    verdict: str
    change: Change | None = None


def who(name: str, story: Story) -> str:
    """Return a model's name as it stands in a sentence."""
    if name == FEW_SHOT:
        count = f"{story.shots} examples" if story.shots != 1 else "one example"
        return f"the base with {count if story.shots else 'examples'} in its prompt"
    return {BASE: "the base", TUNED: "the tuned model"}.get(name, name)


def amount(suite: Suite, metric: str, value: float | None) -> str:
    """Return a value with its unit."""
    return MISSING if value is None else number(value, *_form(suite, metric))


def _form(suite: Suite, metric: str) -> tuple[bool, str | None]:
    """Return whether a metric is a percentage, and its unit."""
    units = suite.eval.units
    return suite.eval.is_percent(metric), units.get(metric) or units.get(metric.partition(".")[0])


def shift(suite: Suite, metric: str, difference: float) -> str:
    """Return a change with its sign: of percentages in points."""
    percent, unit = _form(suite, metric)
    told = signed(difference, percent, unit)
    points = " points" if percent and math.isfinite(difference) else ""
    return "no change" if told == "0" else f"{told}{points}"


def interval(suite: Suite, metric: str, change: Change) -> str:
    """Return the ends of a change's interval: "+75.0 to +95.0"; empty where there is none."""
    if change.ends is None:
        return ""
    return " to ".join(signed(end, *_form(suite, metric)) for end in change.ends)


def sure(suite: Suite, metric: str, change: Change) -> str:
    """Return the interval as it stands in brackets."""
    told = interval(suite, metric, change)
    return f"95 % interval {told}" if told else "without an interval"


def in_sentence(metric: str) -> str:
    """Return a metric's name as it stands inside a sentence: "exact match", but "F1"."""
    name, _, part = metric.partition(".")
    told = title(name)
    told = told if told[1:2].isupper() or told[1:2].isdigit() else told[:1].lower() + told[1:]
    return f"{told} of {part}" if part else told


def heading(metric: str) -> str:
    """Return a metric's name as the beginning of a sentence or a row."""
    name, _, part = metric.partition(".")
    return f"{title(name)} of {part}" if part else title(name)


def measured(story: Story) -> list[Suite]:
    """Return the suites with numbers of what models say, the verdict's first."""
    told = [suite for suite in story.suites if suite.known and not suite.is_timed]
    return sorted(told, key=_modesty)


def timed(story: Story) -> list[Suite]:
    """Return the suites with numbers of how fast and how large models are."""
    return [suite for suite in story.suites if suite.known and suite.is_timed]


def _modesty(suite: Suite) -> tuple[bool, bool, bool]:
    """Order suites for the verdict: right answers first, then the run's own data."""
    answers = suite.eval.generates and suite.eval.direction(suite.eval.headline) == "max"
    return (not answers, suite.eval.reads() is None, suite.base is None)


def is_count(suite: Suite, metric: str) -> bool:
    """Tell a number of what was measured on from a measurement: no model can change it."""
    values = [found[metric] for found in suite.values.values() if metric in found]
    plain = suite.eval.direction(metric) is None
    return plain and len(set(values)) == 1 and values[0] == int(values[0])


def counts(suite: Suite) -> list[str]:
    """Return the numbers of what was measured on: "573 tokens"."""
    found = [metric for metric in suite.known if is_count(suite, metric)]
    return [f"{number(suite.known[metric])} {in_sentence(metric)}" for metric in found]


def lines(suite: Suite, against: str = BASE) -> list[Line]:
    """Return the table rows of a suite, its telling metric first, those of parts last."""
    known = [metric for metric in suite.known if not is_count(suite, metric)]
    told = suite.telling
    ordered = sorted(known, key=lambda metric: ("." in metric, metric != told))
    return [_line(suite, metric, against) for metric in ordered]


def _line(suite: Suite, metric: str, against: str) -> Line:
    before, after = (suite.values.get(name, {}).get(metric) for name in (against, TUNED))
    change = suite.change(metric, against)
    moved = shift(suite, metric, after - before) if before is not None and after is not None else ""
    return Line(
        suite=suite.name,
        key=metric,
        metric=heading(metric),
        before=amount(suite, metric, before),
        after=amount(suite, metric, after),
        shift=moved,
        interval=interval(suite, metric, change) if change else "",
        verdict=ruled(change),
        change=change,
    )


def ruled(change: Change | None) -> str:
    """Return better, worse, changed (neither good nor bad), even (not real), or "" for unknown."""
    if change is None or change.real is None or change.change is None:
        return ""
    if not change.real:
        return "even"
    return {True: "better", False: "worse", None: "changed"}[change.better]


def costs(story: Story) -> list[tuple[str, str]]:
    """Return what the training took: name and value."""
    shown = {
        "seconds": ("training time", duration),
        "tokens": ("tokens read", number),
        "tokens_per_second": ("tokens a second", lambda rate: f"{rate:,.0f}"),
        "peak_memory_bytes": ("peak memory", size),
        "steps": ("steps", number),
        "trainable_parameters": ("of the weights trained", _share(story)),
        "best_step": ("step that was kept", number),
        "processes": ("processes", number),
    }
    known = story.train if story.train.get("processes", 1) > 1 else story.train | {"processes": 0}
    return [(name, say(known[key])) for key, (name, say) in shown.items() if known.get(key)]


def _share(story: Story):
    whole = story.train.get("parameters")
    return lambda count: f"{100 * count / whole:.3g} %" if whole else number(count)


def chosen(option: object) -> str:
    """Return the name of a group's option, or of several."""
    return ", ".join(map(str, option)) if isinstance(option, list) else str(option)
