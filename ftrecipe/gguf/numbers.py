"""The numbers of a model's config.json that a GGUF file carries, under llama.cpp's names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ftrecipe.gguf.rotary import Rotary, rotary_of

if TYPE_CHECKING:
    from gguf import GGUFWriter


@dataclass(frozen=True)
class Numbers:
    """Sizes of a decoder: counts, and widths in numbers; context in tokens."""

    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    head_dim: int
    epsilon: float
    context: int
    rotary: Rotary

    def put(self, writer: "GGUFWriter", vocabulary: int) -> None:
        """Write them."""
        writer.add_context_length(self.context)
        writer.add_embedding_length(self.hidden)
        writer.add_block_count(self.layers)
        writer.add_feed_forward_length(self.inner)
        writer.add_head_count(self.heads)
        writer.add_head_count_kv(self.kv_heads)
        writer.add_key_length(self.head_dim)
        writer.add_value_length(self.head_dim)
        writer.add_layer_norm_rms_eps(self.epsilon)
        writer.add_vocab_size(vocabulary)
        _put_rotary(writer, self.rotary, self.head_dim)


def _put_rotary(writer: "GGUFWriter", rotary: Rotary, head_dim: int) -> None:
    from gguf import RopeScalingType

    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(rotary.theta)
    if rotary.scaling:
        writer.add_rope_scaling_type(RopeScalingType(rotary.scaling))
        writer.add_rope_scaling_factor(rotary.factor)
    if rotary.original:
        writer.add_rope_scaling_orig_ctx_len(rotary.original)


def numbers_of(config: Mapping[str, Any]) -> Numbers:
    """Return the numbers of a config.json of a family that is known here."""
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    return Numbers(
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        inner=config["intermediate_size"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=head_dim,
        epsilon=config["rms_norm_eps"],
        context=context_of(config),
        rotary=rotary_of(config, head_dim),
    )


def context_of(config: Mapping[str, Any]) -> int:
    """Return the longest row that llama.cpp computes as the model does: its code for these families
    looks back to the beginning, so where the model has a window, the row ends with the window."""
    longest, window = config["max_position_embeddings"], config.get("sliding_window")
    slides = config.get("use_sliding_window", True)
    return min(longest, window) if window and slides else longest
