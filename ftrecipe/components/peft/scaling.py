"""Adapters that rescale or rotate instead of adding low-rank updates: IA3, VeRA, OFT."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.components.peft import (
    GROUP,
    LayerAdapter,
    Skeleton,
    check_modules,
    unknown_modules,
)
from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.parts import Module, ends
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel


@GROUP.option("ia3")
@dataclass
class Ia3(LayerAdapter):
    """Learned vectors that rescale keys, values and feed-forward inputs (arXiv 2205.05638)."""

    passes_to: ClassVar[str] = "peft.IA3Config"
    allows_bits: ClassVar[tuple[int, ...]] = (16, 4)
    usual_learning_rate: ClassVar[float] = 5e-3
    target_modules: list[str] = field(default_factory=lambda: ["k_proj", "v_proj", "down_proj"])
    feedforward_modules: list[str] = field(default_factory=lambda: ["down_proj"])

    def check(self, skeleton: Skeleton) -> None:
        """Check both lists of modules against the model's own names."""
        super().check(skeleton)
        check_modules("peft.feedforward_modules", self.feedforward_modules, skeleton())

    def on_one(self, module: Module, path: str) -> int | None:
        """A number for every output, or of a feed-forward's way back for every input."""
        return module.inputs if ends(path, self.feedforward_modules) else module.outputs

    def faults(self, architecture: Architecture) -> Iterator[str]:
        """Yield what the model does not have of both lists of modules."""
        yield from super().faults(architecture)
        yield from unknown_modules(
            "peft.feedforward_modules", self.feedforward_modules, architecture
        )

    def build(self, model: "PreTrainedModel", total_steps: int) -> "PeftConfig":
        """Return the IA3Config; its feed-forward modules must be among the targets."""
        from peft import IA3Config

        return IA3Config(
            target_modules=self.targets,
            feedforward_modules=list(self.feedforward_modules),
            task_type="CAUSAL_LM",
            **self.extra,
        )


@GROUP.option("vera")
@dataclass
class Vera(LayerAdapter):
    """Shared frozen random matrices, trained scaling vectors (arXiv 2310.11454)."""

    passes_to: ClassVar[str] = "peft.VeraConfig"
    fails_under: ClassVar[tuple[str, ...]] = ("FSDP",)  # its shared matrices are no weights
    usual_learning_rate: ClassVar[float] = 5e-3
    r: int = bounded(256, 1)
    dropout: float = bounded(0.0, 0, 0.99)

    def beside(self) -> tuple[int, float]:
        """Return the rank and the dropout."""
        return self.r, self.dropout

    def on_one(self, module: Module, path: str) -> int | None:
        """A number for every output and every random direction."""
        return module.outputs + self.r

    def untrained(self, architecture: Architecture) -> int:
        """The two random matrices, as wide as the widest layer."""
        reached = self.reached(architecture) or []
        inputs = max((module.inputs for module, _ in reached), default=0)
        outputs = max((module.outputs for module, _ in reached), default=0)
        return self.r * (inputs + outputs)

    def build(self, model: "PreTrainedModel", total_steps: int) -> "PeftConfig":
        """Return the VeraConfig; the random matrices are saved with the adapter."""
        from peft import VeraConfig

        return VeraConfig(
            r=self.r,
            vera_dropout=self.dropout,
            target_modules=self.targets,
            task_type="CAUSAL_LM",
            **self.extra,
        )


@GROUP.option("oft")
@dataclass
class Oft(LayerAdapter):
    """Orthogonal rotations in blocks (OFTv2, arXiv 2506.19847)."""

    passes_to: ClassVar[str] = "peft.OFTConfig"
    uncounted: ClassVar[tuple[str, ...]] = ("r",)
    usual_learning_rate: ClassVar[float] = 4e-4
    block_size: int = bounded(32, 1)
    dropout: float = bounded(0.0, 0, 0.99)

    def beside(self) -> tuple[int, float]:
        """Return no product of its own, and the dropout."""
        return 0, self.dropout

    def on_one(self, module: Module, path: str) -> int | None:
        """The upper half of a skew-symmetric block, for each block of inputs."""
        size = dividing(self.block_size, module.inputs)
        blocks = 1 if self.extra.get("block_share") else module.inputs // size
        return blocks * (size * (size - 1) // 2)

    def build(self, model: "PreTrainedModel", total_steps: int) -> "PeftConfig":
        """Return the OFTConfig; `block_size` has to divide the layers' input width."""
        from peft import OFTConfig

        return OFTConfig(
            oft_block_size=self.block_size,
            module_dropout=self.dropout,
            target_modules=self.targets,
            task_type="CAUSAL_LM",
            **self.extra,
        )


def dividing(size: int, width: int) -> int:
    """Return the divisor of `width` nearest to `size`, the lower of two, as PEFT takes it."""
    if size >= width:
        return width
    lower = next(n for n in range(size, 0, -1) if width % n == 0)
    higher = next(n for n in range(size, width + 1) if width % n == 0)
    return lower if size - lower <= higher - size else higher
