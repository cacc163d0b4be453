"""How the machine is used: by how many processes, and how they share the model."""

from dataclasses import dataclass
from typing import ClassVar

from ftrecipe.registry import Group


@dataclass
class Strategy:
    """Base of all strategies; `processes` is how many workers one machine runs."""

    processes: ClassVar[int] = 1


GROUP = Group("strategy", Strategy)


@GROUP.option("auto")
@dataclass
class Auto(Strategy):
    """One process on one device."""


@GROUP.option("single")
@dataclass
class Single(Strategy):
    """One process, said explicitly."""
