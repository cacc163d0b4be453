"""How much memory a run takes, by arithmetic alone: no weights, no torch."""

from ftrecipe.memory.account import Account, Line
from ftrecipe.memory.training import Setting, account

__all__ = ["Account", "Line", "Setting", "account"]
