"""How much memory a run takes, by arithmetic alone: no weights, no torch."""

from ftrecipe.memory.account import GIB, Account, Line, gib
from ftrecipe.memory.training import Setting, account

__all__ = ["GIB", "Account", "Line", "Setting", "account", "gib"]
