"""Prompt learning: trained virtual tokens in front of a frozen model; none can be merged."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.components.peft import GROUP, Adapter
from ftrecipe.memory.activations import Trained
from ftrecipe.memory.architecture import Architecture
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel


@dataclass
class PromptLearning(Adapter):
    """Base of the three; `num_virtual_tokens` is the length of the learned prompt."""

    mergeable: ClassVar[bool] = False
    allows_bits: ClassVar[tuple[int, ...]] = (16, 8, 4)
    prompt_learning: ClassVar[bool] = True
    allows_sharding: ClassVar[bool] = False  # PEFT runs the prompt through the model to save it
    usual_learning_rate: ClassVar[float] = 1e-2
    uncounted: ClassVar[tuple[str, ...]] = (
        "encoder_reparameterization_type", "num_attention_heads", "num_layers",
        "num_transformer_submodules", "token_dim",
    )  # fmt: skip
    num_virtual_tokens: int = bounded(20, 1)

    @property
    def virtual_tokens(self) -> int:
        """The learned prompt's length."""
        return self.num_virtual_tokens

    def trained(self, architecture: Architecture, new_tokens: int = 0) -> Trained:
        """Return the prompt, and that it lengthens every row."""
        made = super().trained(architecture, new_tokens)
        return replace(made, virtual_tokens=self.num_virtual_tokens)


@GROUP.option("prompt_tuning")
@dataclass
class PromptTuning(PromptLearning):
    """Learned embeddings before the input (arXiv 2104.08691)."""

    passes_to: ClassVar[str] = "peft.PromptTuningConfig"

    def added(self, architecture: Architecture) -> int | None:
        """An embedding for each virtual token."""
        return self.num_virtual_tokens * architecture.hidden

    def build(self, model: "PreTrainedModel", total_steps: int) -> "PeftConfig":
        """Return the PromptTuningConfig, started from embeddings of sampled vocabulary."""
        from peft import PromptTuningConfig

        start: dict[str, Any] = {"prompt_tuning_init": "SAMPLE_VOCAB"} | self.extra
        return PromptTuningConfig(
            num_virtual_tokens=self.num_virtual_tokens, task_type="CAUSAL_LM", **start
        )


@GROUP.option("prefix_tuning")
@dataclass
class PrefixTuning(PromptLearning):
    """Learned keys and values in every layer (arXiv 2101.00190)."""

    passes_to: ClassVar[str] = "peft.PrefixTuningConfig"
    allows_checkpointing: ClassVar[bool] = False
    projection: bool = False

    def added(self, architecture: Architecture) -> int | None:
        """A key and a value for each virtual token in every layer, or what makes them."""
        width = architecture.kv_heads * architecture.head_dim
        kept = architecture.layers * 2 * width
        if not self.projection:
            return self.num_virtual_tokens * kept
        inner = self.extra.get("encoder_hidden_size") or width
        return self.num_virtual_tokens * width + (width + 1) * inner + (inner + 1) * kept

    def build(self, model: "PreTrainedModel", total_steps: int) -> "PeftConfig":
        """Return the PrefixTuningConfig."""
        from peft import PrefixTuningConfig

        return PrefixTuningConfig(
            num_virtual_tokens=self.num_virtual_tokens,
            prefix_projection=self.projection,
            task_type="CAUSAL_LM",
            **self.extra,
        )


@GROUP.option("p_tuning")
@dataclass
class PTuning(PromptLearning):
    """Virtual tokens made by a small trained encoder (arXiv 2103.10385)."""

    passes_to: ClassVar[str] = "peft.PromptEncoderConfig"
    usual_learning_rate: ClassVar[float] = 1e-3
    encoder_hidden_size: int | None = bounded(None, 1)

    def added(self, architecture: Architecture) -> int | None:
        """An embedding for each virtual token, and the three layers that they go through."""
        hidden = architecture.hidden
        inner = self.encoder_hidden_size or hidden
        layers = (hidden + 1) * inner + (inner + 1) * inner + (inner + 1) * hidden
        return self.num_virtual_tokens * hidden + layers

    def build(self, model: "PreTrainedModel", total_steps: int) -> "PeftConfig":
        """Return the PromptEncoderConfig; its width is the model's unless told."""
        from peft import PromptEncoderConfig

        width = self.encoder_hidden_size or model.config.get_text_config().hidden_size
        return PromptEncoderConfig(
            num_virtual_tokens=self.num_virtual_tokens,
            encoder_hidden_size=width,
            task_type="CAUSAL_LM",
            **self.extra,
        )
