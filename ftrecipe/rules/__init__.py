"""What may not be combined: each rule reads facts that options declare, all faults at once.

A new rule is a generator of faults under `@rule` in one of the modules here.
"""

from ftrecipe.rules import (
    against,
    choices,
    effect,
    evaluating,
    exporting,
    gate,
    model,
    strategy,
    suites,
)
from ftrecipe.rules.register import check, faults
from ftrecipe.rules.strategy import strategy_faults

__all__ = [
    "against",
    "check",
    "choices",
    "effect",
    "evaluating",
    "exporting",
    "faults",
    "gate",
    "model",
    "strategy",
    "strategy_faults",
    "suites",
]
