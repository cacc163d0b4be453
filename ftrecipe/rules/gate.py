"""Rules on the gate: each condition can be read, and what it names is measured by the run."""

from collections.abc import Iterator

from ftrecipe import baselines
from ftrecipe.compare.gate import Condition, parse
from ftrecipe.config import RunConfig, options
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.rules.register import rule

OTHERS = {
    baselines.FEW_SHOT: "add compare.few_shot=<examples put before each question>",
}


@rule
def _gate(run: RunConfig) -> Iterator[str]:
    named = baselines.names(run)
    for text in run.gate:
        try:
            condition = parse(text, [*named, *(name for name in OTHERS if name not in named)])
        except ValueError as error:
            yield f"gate: {text!r}: {error}"
            continue
        for fault in (*_metric(condition, run), *_baseline(condition, named)):
            yield f"gate: {text!r}: {fault}"


def _metric(condition: Condition, run: RunConfig) -> Iterator[str]:
    name, metric = condition.suite, condition.metric
    suite = run.eval.get(name)
    if suite is None and name in options("eval"):
        yield f"eval={name} is not chosen; add eval=[{','.join([*run.eval, name])}]"
    elif suite is None:
        yield (
            f"there is no suite {name}{did_you_mean(name, options('eval'))} "
            f"(known: {listed(options('eval'))})"
        )
    elif not suite.may_measure(metric):
        known = [f"{name}.{one}" for one in suite.metrics()]
        hint = did_you_mean(f"{name}.{metric}", known)
        yield f"{name}.{metric} is not measured{hint} (known: {listed(known)})"
    elif condition.percent and not suite.is_percent(metric):
        yield f"{name}.{metric} is not in percent; leave out the %"
    elif _is_share(condition) and suite.is_percent(metric):
        share = condition.bound.offset
        yield (
            f"{name}.{metric} goes from 0 to 100; write {100 * share:g}, or {share:g} % if so "
            "little is meant"
        )
    elif _is_beyond(condition) and suite.is_percent(metric):
        yield f"{name}.{metric} goes from 0 to 100; a bound of {condition.bound.offset:g} is none"


def _is_share(condition: Condition) -> bool:
    """Tell whether a bound looks like the part of one that other tools write for percent."""
    bound = condition.bound
    return bound.baseline is None and 0 < bound.offset < 1 and not condition.percent


def _is_beyond(condition: Condition) -> bool:
    """Tell whether a bound is one that no share of a hundred can be on both sides of."""
    bound = condition.bound
    return bound.baseline is None and not 0 <= bound.offset <= 100


def _baseline(condition: Condition, named: list[str]) -> Iterator[str]:
    asked = condition.bound.baseline
    if asked in OTHERS and asked not in named:
        yield f"{asked} is not measured by this run; {OTHERS[asked]}"
