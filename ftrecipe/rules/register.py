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


def rule(check: Rule) -> Rule:
    """Register one rule: a generator of faults."""
    RULES.append(check)
    return check


def training_rule(check: Rule) -> Rule:
    """Register a rule on what data can be trained, which data that is only looked at may break."""
    TRAINING_RULES.append(check)
    return check


def check(run: RunConfig, audit_only: bool = False) -> None:
    """Raise RuleError with every fault of every rule."""
    if found := faults(run, audit_only):
        raise RuleError(found)


def faults(run: RunConfig, audit_only: bool = False, doubtful: Set[str] = frozenset()) -> list[str]:
    """Return every fault of every rule, but not of those that look at a key in `doubtful`, of
    which is known already that something is wrong with it."""
    found: list[str] = []
    for one in RULES if audit_only else [*RULES, *TRAINING_RULES]:
        watched = _Watched(**vars(run))
        watched.asked.clear()
        told = list(one(watched))
        found += told if not watched.asked & doubtful else []
    return found


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
