"""Adapters that rescale or rotate instead of adding low-rank updates: IA3, VeRA, OFT."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.components.peft import GROUP, LayerAdapter, Skeleton, check_modules
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
    usual_learning_rate: ClassVar[float] = 4e-4
    block_size: int = bounded(32, 1)
    dropout: float = bounded(0.0, 0, 0.99)

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
