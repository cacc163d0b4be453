"""The LoRA family: low-rank updates beside frozen linear layers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.components.peft import GROUP, LayerAdapter
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel


@GROUP.option("lora")
@dataclass
class Lora(LayerAdapter):
    """Low-rank adapters on every linear layer; the base stays frozen."""

    passes_to: ClassVar[str] = "peft.LoraConfig"
    trains_tokens: ClassVar[bool] = True
    r: int = bounded(16, 1)
    alpha: int = bounded(32, 1)
    dropout: float = bounded(0.0, 0, 0.99)

    def options(self) -> dict[str, Any]:
        """Return what this variant sets beyond plain LoRA."""
        return {}

    def build(self, model: "PreTrainedModel", total_steps: int) -> "PeftConfig":
        """Return the LoraConfig of this variant."""
        from peft import LoraConfig

        return LoraConfig(
            r=self.r,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=self.targets,
            task_type="CAUSAL_LM",
            **self.options(),
            **self.extra,
        )


@GROUP.option("dora")
@dataclass
class Dora(Lora):
    """LoRA with weights split in magnitude and direction (arXiv 2402.09353)."""

    allows_bits: ClassVar[tuple[int, ...]] = (16, 4)  # on 8-bit weights PEFT fails at once

    def options(self) -> dict[str, Any]:
        """Switch the decomposition on."""
        return {"use_dora": True}


@GROUP.option("rslora")
@dataclass
class RsLora(Lora):
    """LoRA scaled by alpha/sqrt(r), steady at high ranks (arXiv 2312.03732)."""

    def options(self) -> dict[str, Any]:
        """Switch the scaling on."""
        return {"use_rslora": True}


@GROUP.option("pissa")
@dataclass
class Pissa(Lora):
    """LoRA started from the weights' principal singular vectors (arXiv 2404.02948)."""

    mutates_base: ClassVar[bool] = True
    allows_bits: ClassVar[tuple[int, ...]] = (16,)
    trains_tokens: ClassVar[bool] = False

    def options(self) -> dict[str, Any]:
        """Start from the exact SVD, which is the same at every load."""
        return {"init_lora_weights": "pissa"}
