"""One process, or several that each hold the whole model."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ftrecipe.components.strategy import GROUP, Layout, Strategy, torchrun


@GROUP.option("auto")
@dataclass
class Auto(Strategy):
    """One process on one device; on several, the first that fits by the memory arithmetic."""

    names: ClassVar[tuple[str, ...]] = ("ddp", "zero2", "zero3", "zero3_offload")


@GROUP.option("single")
@dataclass
class Single(Strategy):
    """One process on one device."""


@GROUP.option("ddp")
@dataclass
class Ddp(Strategy):
    """Distributed data parallel: every device holds the model, gradients are averaged."""

    distributed: ClassVar[bool] = True
    distributed_type: ClassVar[str] = "MULTI"
    copies_gradients: ClassVar[bool] = True

    def start(self, layout: Layout, folder: Path, rank: str) -> list[str]:
        """Return torchrun."""
        return torchrun(layout, rank)
