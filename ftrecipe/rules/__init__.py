"""What may not be combined: each rule reads facts that options declare, all faults at once.

A new rule is a generator of faults under `@rule` in one of the modules here.
"""

from ftrecipe.rules import choices, model, strategy
from ftrecipe.rules.register import check, faults
from ftrecipe.rules.strategy import strategy_faults

__all__ = ["check", "choices", "faults", "model", "strategy", "strategy_faults"]
