"""The numbers of a config.json as transformers understands them: its defaults, its other names."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ftrecipe.errors import ConfigError

DEFAULTS = Path(__file__).resolve().parents[1] / "builtin" / "architectures.json"
HIGHEST = 1 << 32  # no width or count is as high; arithmetic with more would tell nothing
MOST_LAYERS = 10_000
# All that is asked of a config.json, beside the models within it and their model_type.
READ = frozenset((
    "attention_bias", "attention_out_bias", "decoder_sparse_step", "head_dim", "hidden_size",
    "image_size", "intermediate_size", "layer_types", "max_position_embeddings",
    "max_window_layers", "mlp_bias", "mlp_only_layers", "moe_intermediate_size", "n_embd",
    "n_head", "n_inner", "n_layer", "n_positions", "no_rope_layer_interval", "no_rope_layers",
    "num_attention_heads", "num_channels", "num_experts", "num_experts_per_tok",
    "num_hidden_layers", "num_key_value_heads", "num_local_experts", "patch_size",
    "qk_layernorm", "qkv_bias", "rope_parameters", "rope_scaling",
    "shared_expert_intermediate_size", "sliding_window", "sliding_window_pattern",
    "tie_word_embeddings", "use_bias", "use_parallel_residual", "use_qk_norm", "use_qkv_bias",
    "use_sliding_window", "vision_use_head", "vocab_size",
))  # fmt: skip


@cache
def defaults() -> dict[str, Any]:
    """Return, by model_type, what a config.json may leave out and what it may call otherwise."""
    return json.loads(DEFAULTS.read_text("utf-8"))["families"]


class Numbers:
    """One config.json; what it leaves out has transformers' own default."""

    def __init__(self, config: Mapping[str, Any], model_type: str) -> None:
        self.config, self.model_type = config, model_type
        known = defaults()[model_type]
        self.defaults: dict[str, Any] = known["defaults"]
        self.names: dict[str, str] = known["names"]

    def value(self, key: str) -> Any:
        """Return what is said of `key`, under its own name or the other; None for nothing."""
        if key not in READ:
            raise KeyError(f"{key} is not among the names that are read")
        other = self.names.get(key, key)
        for name in (other, key):
            if name in self.config:
                return self.config[name]  # a null is meant, and is not the default
        return self.defaults.get(other)

    def optional(self, key: str, high: int = HIGHEST) -> int | None:
        """Return a whole number above 0, or None. Raises ConfigError for anything else."""
        value = self.value(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < high:
            said = repr(value)[:40]
            raise ConfigError(f"config.json: {key} is {said}, not a whole number from 1 to {high}")
        return value

    def whole(self, key: str, high: int = HIGHEST) -> int:
        """Return a whole number above 0. Raises ConfigError for nothing or anything else."""
        value = self.optional(key, high)
        if value is None:
            raise ConfigError(f"config.json: has no {key}")
        return value

    def listing(self, key: str) -> list[Any] | None:
        """Return a list, or None. Raises ConfigError for anything else."""
        value = self.value(key)
        if value is not None and not isinstance(value, list):
            raise ConfigError(f"config.json: {key} is {repr(value)[:40]}, not a list")
        return value

    def flag(self, key: str) -> bool:
        """Tell whether something is switched on."""
        return bool(self.value(key))

    @property
    def layers(self) -> int:
        """How many layers the decoder has."""
        return self.whole("num_hidden_layers", MOST_LAYERS)

    @property
    def hidden(self) -> int:
        """Width between the layers."""
        return self.whole("hidden_size")

    @property
    def vocabulary(self) -> int:
        """Rows of the embedding."""
        return self.whole("vocab_size")

    @property
    def heads(self) -> int:
        """Attention's heads."""
        return self.whole("num_attention_heads")

    @property
    def kv_heads(self) -> int:
        """Heads of keys and values, as many as of queries unless told."""
        return self.optional("num_key_value_heads") or self.heads

    @property
    def head_dim(self) -> int:
        """Width of a head, an even share of the hidden width unless told."""
        return self.optional("head_dim") or self.hidden // self.heads

    def part(self, key: str, model_type: str) -> "Numbers":
        """Return the numbers of a model within this one."""
        within = self.config.get(key) or {}
        if not isinstance(within, Mapping):
            raise ConfigError(f"config.json: {key} is not a mapping")
        return Numbers(within, model_type)
