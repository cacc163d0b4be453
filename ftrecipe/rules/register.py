"""The register of rules: each a generator of faults, asked about one run, all at once."""

from collections.abc import Callable, Iterator, Set
from dataclasses import fields
from functools import cached_property
from typing import Any

from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.errors import RuleError

Rule = Callable[[RunConfig], Iterator[str]]
RULES: list[Rule] = []
TRAINING_RULES: list[Rule] = []
WRITING_RULES: list[Rule] = []


def rule(check: Rule) -> Rule:
    """Register one rule: a generator of faults."""
    RULES.append(check)
    return check


def training_rule(check: Rule) -> Rule:
    """Register a rule on what data can be trained, which data that is only looked at may break."""
    TRAINING_RULES.append(check)
    return check


def writing_rule(check: Rule) -> Rule:
    """Register a rule on what a person writes, which values of a run made before may break.

    Its faults begin with the key that they are about, and `=`.
    """
    WRITING_RULES.append(check)
    return check


def check(run: RunConfig, audit_only: bool = False, written: Set[str] | None = None) -> None:
    """Raise RuleError with every fault of every rule."""
    if found := faults(run, audit_only, written=written):
        raise RuleError(found)


def faults(
    run: RunConfig,
    audit_only: bool = False,
    doubtful: Set[str] = frozenset(),
    written: Set[str] | None = None,
) -> list[str]:
    """Return every fault of every rule, but not of those that look at a key in `doubtful`, of
    which is known already that something is wrong with it.

    `written` are the keys that a person writes now; None stands for all.
    """
    found: list[str] = []
    for one in [*RULES, *WRITING_RULES, *([] if audit_only else TRAINING_RULES)]:
        watched = _Watched(**vars(run))
        watched.asked.clear()
        told = list(one(watched))
        if one in WRITING_RULES and written is not None:
            told = [fault for fault in told if _is_about(fault, written)]
        found += told if not watched.asked & doubtful else []
    return found


def _is_about(fault: str, keys: Set[str]) -> bool:
    """Tell whether the key that a fault begins with is one of `keys`, or above or below one."""
    key = f"{fault.partition('=')[0]}."
    return any(key.startswith(f"{one}.") or one.startswith(key) for one in keys)


class _Watched(RunConfig):
    """A run that remembers which of its keys were looked at."""

    def __getattribute__(self, name: str) -> Any:
        if name in _KEYS:
            self.asked.add(name)
        return super().__getattribute__(name)

    @cached_property
    def asked(self) -> set[str]:
        return set()


_KEYS = frozenset(item.name for item in fields(RunConfig))


def chosen(run: RunConfig, group: str) -> str:
    """Return the choice of a group as it is written."""
    return f"{group}={GROUPS[group].name_of(type(vars(run)[group]))}"
