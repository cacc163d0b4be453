"""Which runs are meant: conditions such as `status=finished`, `tag=x` or `qa.f1>=80`; pure."""

import datetime
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.found import seconds_of
from ftrecipe.runs.record import GATES, KINDS, STATES, Record

WORD = re.compile(r"([\w./@-]+?)\s*(>=|<=|!=|=|>|<)(.*)", re.DOTALL)
ORDERS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
    "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
OBJECTIVE = "objective"
TUNED = "tuned."  # of a metric that is named without a model, the tuned one's is meant
TEXTS: dict[str, Callable[[Record], Sequence[str | None]]] = {
    "recipe": lambda run: (run.name, run.recipe),
    "status": lambda run: (run.state,),
    "tag": lambda run: run.tags,
    "name": lambda run: (*run.names, *(name.partition("@")[0] for name in run.names)),
    "gate": lambda run: (run.gate or "none",),
    "kind": lambda run: (run.kind,),
}
CHOICES = {"status": STATES, "gate": GATES, "kind": KINDS}
DATES = {"since": operator.ge, "until": operator.lt}
KEYS = (*TEXTS, *DATES)


@dataclass(frozen=True)
class Condition:
    """One word of a filter: a key, how it is compared, and with what."""

    key: str
    order: str
    value: str

    @property
    def is_metric(self) -> bool:
        """Whether it is about something that was measured."""
        return self.key not in KEYS

    def holds(self, run: Record) -> bool:
        """Tell whether a run is meant; of one that was not measured nothing holds."""
        if self.key in DATES:
            return DATES[self.key](run.when, date_of(self))
        if self.key in TEXTS:
            patterns = self.value.split(",")
            texts = [text for text in TEXTS[self.key](run) if text is not None]
            found = any(fnmatchcase(text, one) for text in texts for one in patterns)
            return found == (self.order == "=")
        known = metric_of(run, self.key)
        return known is not None and ORDERS[self.order](known, float(self.value))


def read(words: Sequence[str]) -> list[Condition]:
    """Return the conditions. Raises ConfigError with all that cannot be read."""
    found: list[Condition] = []
    faults: list[str] = []
    for word in words:
        match = WORD.fullmatch(word)
        if match is None:
            faults.append(
                f"runs {word}: is no condition{did_you_mean(word, KEYS)}; write key=value, "
                f'or "metric>=value" in quotes (keys: {listed(KEYS)}, or any metric)'
            )
            continue
        condition = Condition(match[1], match[2], match[3].strip())
        faults += _faults(condition, word)
        found.append(condition)
    if faults:
        raise ConfigError(faults)
    return found


def check_metrics(conditions: Sequence[Condition], runs: Sequence[Record]) -> None:
    """Raise ConfigError for keys that no run knows; where there are no runs, nothing is known."""
    check_keys([one.key for one in conditions if one.is_metric], runs, KEYS)


def check_keys(keys: Sequence[str], runs: Sequence[Record], others: Sequence[str]) -> None:
    """Raise ConfigError for `keys` that are no metric of any run; `others` may have been meant."""
    known = {name for run in runs for name in run.metrics}
    if not known:
        return
    short = {name.removeprefix(TUNED) for name in known if name.startswith((TUNED, "train."))}
    faults = [
        f"{key}: no run here has measured that"
        f"{did_you_mean(key, [*others, *short]) or did_you_mean(key, known)}"
        f" (keys: {listed(others)}; measured: {listed(sorted(short), 12)})"
        for key in keys
        if key not in known and TUNED + key not in known
    ]
    if faults:
        raise ConfigError(faults)


def metric_of(run: Record, key: str) -> float | None:
    """Return what was measured under a name, `tuned.qa.f1` or `qa.f1`; None for nothing."""
    return run.metrics.get(key, run.metrics.get(TUNED + key))


def date_of(condition: Condition) -> float:
    """Return a date as seconds since 1970; one without a zone is of this place."""
    return datetime.datetime.fromisoformat(condition.value).timestamp()


def _faults(condition: Condition, word: str) -> list[str]:
    key, value = condition.key, condition.value
    if not value:
        return [f"runs {word}: says nothing after the {condition.order}"]
    if condition.is_metric:
        return [] if _is_number(value) and _may_be_metric(key) else _no_key(condition, word)
    if condition.order not in ("=", "!=") or (key in DATES and condition.order != "="):
        return [f"runs {word}: write {key}={value}"]
    if key in DATES and seconds_of(value) is None:
        return [f"runs {word}: is no date; write {key}=2026-11-01, or {key}=2026-11-01T09:30"]
    known = CHOICES.get(key, ())
    return [
        f"runs {word}: {one} is no {key}{did_you_mean(one, known)} (known: {listed(known)})"
        for one in value.split(",")
        if known and one not in known and "*" not in one
    ]


def _no_key(condition: Condition, word: str) -> list[str]:
    key, hint = condition.key, did_you_mean(condition.key, KEYS)
    if _may_be_metric(key) and not hint:
        return [f"runs {word}: {condition.value!r} is no number to hold {key} against"]
    return [f"runs {word}: {key} is no key{hint} (keys: {listed(KEYS)}, or a metric, qa.f1)"]


def _may_be_metric(key: str) -> bool:
    return "." in key or key == OBJECTIVE


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False
