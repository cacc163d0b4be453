"""Judges the gate: each condition by the cautious end of the interval of what it asks for."""

import math
from collections.abc import Iterator
from typing import Any

from ftrecipe import objective
from ftrecipe.amounts import number, signed
from ftrecipe.baselines import names
from ftrecipe.compare.bootstrap import Interval
from ftrecipe.compare.gate import Condition, parse
from ftrecipe.components.eval import Eval
from ftrecipe.config import RunConfig
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.results import BASE
from ftrecipe.rundir import RunDir
from ftrecipe.stages.measuring.compared import Comparison, Models, values_of


def gated(run: RunConfig, comparison: Comparison) -> dict[str, Any] | None:
    """Return what metrics.json says of the gate; None for a run that has none."""
    if not run.gate:
        return None
    known = list(dict.fromkeys([*names(run), *comparison.values]))
    told = [_judged(parse(text, known), comparison) for text in run.gate]
    return {"passed": all(one["passed"] for one in told), "conditions": told}


def unmeasured(run: RunConfig, rundir: RunDir) -> Iterator[str]:
    """Yield what gate and objective name and no baseline has: nor would the tuned model have it.

    Metrics that data or tasks name are known once the baselines are measured, and not before.
    """
    values = values_of(rundir)
    for text in run.gate:
        condition = parse(text, names(run))
        for who in dict.fromkeys((BASE, condition.bound.baseline or BASE)):
            yield from _lacking(f"gate: {text!r}", who, condition.suite, condition.metric, values)
    who, _, rest = (run.objective or "").partition(".")
    if who in objective.MODELS:
        suite, _, metric = rest.partition(".")
        yield from _lacking(f"objective={run.objective}", BASE, suite, metric, values)


def _lacking(what: str, who: str, suite: str, metric: str, values: Models) -> Iterator[str]:
    found = values.get(who, {}).get(suite)
    if found is None and who != BASE:
        yield f"{what}: {suite} is not measured of {who}"
    if found is not None and metric not in found:
        known = [f"{suite}.{one}" for one in found]
        hint = did_you_mean(f"{suite}.{metric}", known)
        yield f"{what}: {suite}.{metric} is not measured of {who}{hint} (known: {listed(known)})"


def _judged(condition: Condition, comparison: Comparison) -> dict[str, Any]:
    """Return whether one condition is met, and what decided it."""
    bound = condition.bound
    value = _value(comparison.tuned, condition)
    before = _value(comparison.values.get(bound.baseline, {}), condition) if bound.baseline else 0.0
    for who, known in (("the tuned model", value), (bound.baseline, before)):
        if known is None or not math.isfinite(known):
            lack = "has no such metric" if known is None else f"is {number(known)}"
            return _verdict(condition, value, None, None, False, f"of {who} it {lack}")
    assert value is not None
    assert before is not None
    limit = bound.factor * before + bound.offset
    margin = _margin(condition, comparison, value - limit)
    passed, why = _passes(condition, value - limit, margin)
    suite = comparison.suites[condition.suite]
    reason = f"{_told(condition.metric, suite, value, limit, margin)}{why}"
    return _verdict(condition, value, limit, margin, passed, reason)


def _value(values: dict[str, dict[str, float]], condition: Condition) -> float | None:
    return values.get(condition.suite, {}).get(condition.metric)


def _margin(condition: Condition, comparison: Comparison, plain: float) -> Interval | None:
    """Return how far the metric is above its bound; None for one that is no sum over examples."""
    suite, metric, bound = condition.suite, condition.metric, condition.bound
    own = comparison.own(suite).get(metric)
    if own is None:
        return None
    if bound.baseline is None:
        ends = None if own.low is None or own.high is None else (own.low, own.high)
        low, high = (end - bound.offset for end in ends) if ends else (None, None)
        return Interval(plain, low, high)
    pair = comparison.pair(bound.baseline, suite)
    found = pair and metric in pair.metrics and pair.margin(metric, bound.factor, bound.offset)
    return found or Interval(plain, None, None)


def _passes(condition: Condition, plain: float, margin: Interval | None) -> tuple[bool, str]:
    """Tell whether a condition is met by the cautious end, and what else is to be said."""
    if margin is None:
        return condition.holds(plain), ""
    cautious = margin.low if condition.at_least else margin.high
    if cautious is None:
        return False, "; no interval can be told: too few examples, or others than the baseline's"
    passed = condition.holds(cautious)
    return passed, "" if passed or not condition.holds(margin.value) else ": so it is not sure"


def _told(metric: str, suite: Eval, value: float, limit: float, margin: Interval | None) -> str:
    """Say how a value stands to its bound."""
    percent, unit = suite.is_percent(metric), suite.units.get(metric)
    by = signed(value - limit if margin is None else margin.value, percent, unit)
    said = f"{number(value, percent, unit)} against {number(limit, percent, unit)} is {by}"
    if margin is None or margin.low is None or margin.high is None:
        return said
    low, high = signed(margin.low, percent, unit), signed(margin.high, percent, unit)
    return f"{said} (95 % interval: {low} to {high})"


def _verdict(
    condition: Condition,
    value: float | None,
    limit: float | None,
    margin: Interval | None,
    passed: bool,
    reason: str,
) -> dict[str, Any]:
    """Return a condition's verdict as JSON; low and high are those of value - bound."""
    return {
        "condition": condition.text,
        "passed": passed,
        "value": value if value is not None and math.isfinite(value) else None,
        "bound": limit,
        "low": margin and margin.low,
        "high": margin and margin.high,
        "reason": reason,
    }
