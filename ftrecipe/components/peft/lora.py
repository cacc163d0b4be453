"""The LoRA family: low-rank updates beside frozen linear layers."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.components.peft import GROUP, LayerAdapter
from ftrecipe.components.peft.experts import halves, named_tensors, split
from ftrecipe.components.peft.targets import rank, targeted
from ftrecipe.errors import listed
from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.parts import Module
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel


@GROUP.option("lora")
@dataclass
class Lora(LayerAdapter):
    """Low-rank adapters on every linear layer; the base stays frozen."""

    passes_to: ClassVar[str] = "peft.LoraConfig"
    uncounted: ClassVar[tuple[str, ...]] = (
        "arrow_config", "ensure_weight_tying", "eva_config", "kasa_config", "layer_replication",
        "megatron_config", "monteclora_config", "target_parameters", "use_bdlora", "use_qalora",
        "velora_config",
    )  # fmt: skip
    magnitudes: ClassVar[bool] = False  # trains a length for every output
    trains_tokens: ClassVar[bool] = True
    r: int = bounded(16, 1)
    alpha: int = bounded(32, 1)
    dropout: float = bounded(0.0, 0, 0.99)

    def beside(self) -> tuple[int, float]:
        """Return the rank and the dropout."""
        return self.r, self.dropout

    def options(self) -> dict[str, Any]:
        """Return what this variant sets beyond plain LoRA."""
        return {}

    def reached(self, architecture: Architecture) -> list[tuple[Module, str]] | None:
        """Return the targets; of experts in one tensor, those tensors for their old names."""
        if not architecture.renamed:
            return super().reached(architecture)
        layers, tensors = split(self.targets, architecture)
        found = targeted(architecture, layers, self.extra)
        return None if found is None else found + named_tensors(architecture, tensors)

    def on_one(self, module: Module, path: str) -> int | None:
        """Two matrices of rank r, and what the variant adds for every output.

        Experts in one tensor have them each, and twice the rank where two layers became one.
        """
        *experts, outputs, inputs = module.shape
        fused = 2 if path.endswith(".gate_up_proj") and experts else 1
        matrices = rank(path, fused * self.r, self.extra) * (inputs + outputs)
        for_each_output = self.magnitudes + bool(self.extra.get("lora_bias"))
        return math.prod(experts) * matrices + for_each_output * module.widths[1]

    def faults(self, architecture: Architecture) -> Iterator[str]:
        """Say what of the model the method cannot adapt, beside names that it lacks."""
        yield from super().faults(architecture)
        if not architecture.renamed:
            return
        yield from halves("peft.target_modules", self.targets, architecture)
        _, tensors = split(self.targets, architecture)
        if tensors and (self.magnitudes or self.mutates_base or self.dropout):
            way = "peft.dropout=0" if self.dropout else "peft=lora"
            yield (
                f"this model's experts are in one tensor, which this peft cannot adapt; use {way}, "
                "or peft.target_modules=[q_proj,k_proj,v_proj,o_proj]"
            )

    def unmerged(self, architecture: Architecture) -> Iterator[str]:
        """Yield a bias for layers that have no room for one."""
        reached = self.reached(architecture) if self.extra.get("lora_bias") else None
        bare = {path.rsplit(".", 1)[-1] for module, path in reached or () if not module.bias}
        if bare:
            yield f"peft.extra.lora_bias=true, and this model has no bias in {listed(sorted(bare))}"

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
            **copy.deepcopy(self.extra),  # PEFT writes ranks of experts into it
        )


@GROUP.option("dora")
@dataclass
class Dora(Lora):
    """LoRA with weights split in magnitude and direction (arXiv 2402.09353)."""

    allows_bits: ClassVar[tuple[int, ...]] = (16, 4)  # on 8-bit weights PEFT fails at once
    magnitudes: ClassVar[bool] = True

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
