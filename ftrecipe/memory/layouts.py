"""How each family of models names and joins its weights, as read in transformers' own source."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from ftrecipe.memory.numbers import Numbers

Flag = bool | str  # as it is, or as a switch of the config.json says


class HeadNorm(Enum):
    """What queries and keys are normalised over before they meet."""

    none = "none"
    head = "head"  # one head's width, shared by all heads
    whole = "whole"  # all heads at once
    each = "each"  # every head with weights of its own


@dataclass(frozen=True)
class Experts:
    """A feed-forward of many, few of which are used for a token."""

    count: str  # the config.json's name for how many
    inner: str = "intermediate_size"  # and for the width inside one
    router: str = "gate"
    biases: bool = False
    shared: bool = False  # one more beside them, which every token uses
    inputs_first: bool = False  # tensors are [expert, inputs, outputs]
    some_layers: bool = False  # decoder_sparse_step and mlp_only_layers say which have experts
    renamed: tuple[tuple[str, str], ...] = ()  # layers they once were → tensors that PEFT adapts


@dataclass(frozen=True)
class Layout:
    """The modules of a decoder. Llama's are the usual ones; a family says what it does otherwise.

    `into` and `back` are the feed-forward's linear layers; `wide` counts how many matrices of the
    inner width the first of `into` holds.
    """

    base: str = "model"
    block: str = "layers"
    embedding: str = "embed_tokens"
    positions: str | None = None  # a table of learned ones
    attention: str = "self_attn"
    fused: str | None = None  # queries, keys and values in one layer of this name
    out: str = "o_proj"
    attention_bias: Flag = False
    out_bias: Flag = False
    own_head_dim: bool = True  # a head's width may be told
    grouped: bool = True  # several heads of queries may share one of keys and values
    head_norm: HeadNorm = HeadNorm.none
    head_norms: tuple[str, str] = ("q_norm", "k_norm")
    sinks: bool = False  # a learned logit for each head to look at nothing
    feed_forward: str = "mlp"
    into: tuple[str, ...] = ("gate_proj", "up_proj")
    wide: int = 1
    back: str = "down_proj"
    mlp_bias: Flag = False
    inner: str = "intermediate_size"
    norms: tuple[str, ...] = ("input_layernorm", "post_attention_layernorm")
    norm_bias: bool = False
    last_norm: str | None = "norm"
    head_bias: bool = False
    experts: Experts | None = None
    sliding: "Callable[[Numbers], int]" = lambda numbers: 0  # how many layers look back so far
    stretched: bool = True  # rope scaling reaches beyond max_position_embeddings

    @property
    def gated(self) -> bool:
        """Tell a feed-forward of three matrices from one of two."""
        return self.wide * len(self.into) == 2


def every_layer(numbers: Numbers) -> int:
    """All layers slide, where there is a window."""
    return numbers.layers if numbers.value("sliding_window") else 0


def late_layers(numbers: Numbers) -> int:
    """Layers from `max_window_layers` on slide, where it is switched on (Qwen 2 and 3)."""
    if not numbers.flag("use_sliding_window") or not numbers.value("sliding_window"):
        return 0
    first = numbers.optional("max_window_layers") or 0
    return listed(numbers, lambda n: n >= first)


def all_but_every(step: int) -> Callable[[Numbers], int]:
    """Return what counts all layers but each `step`-th, or as `sliding_window_pattern` says."""

    def count(numbers: Numbers) -> int:
        if numbers.listing("layer_types") is not None:
            return listed(numbers, lambda _: False)
        pattern = numbers.optional("sliding_window_pattern") or step
        return listed(numbers, lambda n: (n + 1) % pattern != 0)

    return count


def all_but_first_of_four(numbers: Numbers) -> int:
    """Layers 0, 4, 8 ... see everything (CWM)."""
    return listed(numbers, lambda n: n % 4 != 0)


def switched_on(numbers: Numbers) -> int:
    """All layers slide, where it is switched on (Qwen 3 with experts)."""
    return every_layer(numbers) if numbers.flag("use_sliding_window") else 0


def even_early_layers(numbers: Numbers) -> int:
    """Every other layer before `max_window_layers`, where it is switched on (Qwen 2, experts)."""
    if not numbers.flag("use_sliding_window"):
        return 0
    last = numbers.optional("max_window_layers") or 0
    return listed(numbers, lambda n: (n + 1) % 2 != 0 and n < last)


def without_positions(numbers: Numbers) -> int:
    """Layers without rotary positions slide, where it is switched on (SmolLM 3)."""
    if not numbers.flag("use_sliding_window") or not numbers.value("sliding_window"):
        return 0
    step = numbers.optional("no_rope_layer_interval") or 4
    rotary = numbers.listing("no_rope_layers") or []
    return listed(numbers, lambda n: not (rotary[n] if n < len(rotary) else (n + 1) % step))


def listed(numbers: Numbers, unless: Callable[[int], bool]) -> int:
    """Count the sliding layers that `layer_types` lists; of a config without it, by `unless`."""
    types = numbers.listing("layer_types")
    if types is not None:
        return types.count("sliding_attention")
    return sum(unless(n) for n in range(numbers.layers))


LLAMA = Layout(attention_bias="attention_bias", out_bias="attention_bias", mlp_bias="mlp_bias")
PLAIN = Layout()  # no biases at all
BIASED = Layout(attention_bias="attention_bias", out_bias="attention_bias")
GEMMA_2 = replace(
    BIASED,
    norms=(
        "input_layernorm", "post_attention_layernorm",
        "pre_feedforward_layernorm", "post_feedforward_layernorm",
    ),
    sliding=all_but_every(2),
)  # fmt: skip
GEMMA_3 = replace(GEMMA_2, head_norm=HeadNorm.head, sliding=all_but_every(6), stretched=False)
AFTER = ("post_attention_layernorm", "post_feedforward_layernorm")  # no norms before
OLMO_2 = replace(BIASED, norms=AFTER, head_norm=HeadNorm.whole)
FUSED_MLP = Layout(attention_bias="attention_bias", into=("gate_up_proj",), wide=2)
GPT_NEOX = Layout(
    base="gpt_neox", embedding="embed_in", attention="attention", fused="query_key_value",
    out="dense", attention_bias="attention_bias", out_bias="attention_bias", own_head_dim=False,
    grouped=False, into=("dense_h_to_4h",), back="dense_4h_to_h", mlp_bias=True, norm_bias=True,
    last_norm="final_layer_norm",
)  # fmt: skip
GPT_2 = Layout(
    base="transformer", block="h", embedding="wte", positions="wpe", attention="attn",
    fused="c_attn", out="c_proj", attention_bias=True, out_bias=True, own_head_dim=False,
    grouped=False, into=("c_fc",), back="c_proj", mlp_bias=True, inner="n_inner",
    norms=("ln_1", "ln_2"), norm_bias=True, last_norm="ln_f",
)  # fmt: skip
PHI = Layout(
    out="dense", attention_bias=True, out_bias=True, into=("fc1",), back="fc2", mlp_bias=True,
    norms=("input_layernorm",), norm_bias=True, last_norm="final_layernorm", head_bias=True,
)  # fmt: skip
STARCODER_2 = Layout(
    attention_bias="use_bias", out_bias="use_bias", into=("c_fc",), back="c_proj",
    mlp_bias="use_bias", norm_bias=True, sliding=every_layer,
)  # fmt: skip
GPT_OSS = replace(
    BIASED, sinks=True, sliding=all_but_every(2),
    experts=Experts("num_local_experts", router="router", biases=True, inputs_first=True),
)  # fmt: skip
# peft/utils/transformers_weight_conversion.py: what LoRA takes the old names for.
MIXTRAL_NAMES = (
    ("gate", "gate.weight"), ("w1", "gate_up_proj"), ("w3", "gate_up_proj"), ("w2", "down_proj"),
)  # fmt: skip
QWEN_NAMES = (
    ("gate", "gate.weight"), ("gate_proj", "gate_up_proj"), ("up_proj", "gate_up_proj"),
    ("down_proj", "down_proj"),
)  # fmt: skip
MIXTRALS = Experts("num_local_experts", renamed=MIXTRAL_NAMES)
OLMOES = Experts("num_experts", renamed=QWEN_NAMES)
QWENS = Experts("num_experts", "moe_intermediate_size", some_layers=True)


def cohere(numbers: Numbers) -> Layout:
    """Command R: one norm a layer, and one of each head where it is switched on."""
    norm = HeadNorm.each if numbers.flag("use_qk_norm") else HeadNorm.none
    return replace(BIASED, norms=("input_layernorm",), head_norm=norm)


def phi(numbers: Numbers) -> Layout | None:
    """Phi 1 and 2; none of them was made with the norm of queries and keys that it may have."""
    return None if numbers.flag("qk_layernorm") else PHI


def stablelm(numbers: Numbers) -> Layout | None:
    """StableLM, but those that normalise every head apart."""
    if numbers.flag("qk_layernorm"):
        return None
    norms = ("input_layernorm", "post_attention_layernorm")
    return Layout(
        attention_bias="use_qkv_bias", own_head_dim=False, norm_bias=True,
        norms=norms[:1] if numbers.flag("use_parallel_residual") else norms,
    )  # fmt: skip


BLOCK_EXPERTS = Experts("num_local_experts", router="router")

LAYOUTS: dict[str, Layout | Callable[[Numbers], Layout | None]] = {
    "arcee": replace(LLAMA, into=("up_proj",)),
    "cohere": cohere,
    "cohere2": replace(BIASED, norms=("input_layernorm",), sliding=all_but_every(4)),
    "cwm": Layout(mlp_bias="mlp_bias", sliding=all_but_first_of_four),
    "ernie4_5": Layout(attention_bias="use_bias", out_bias="use_bias", mlp_bias="use_bias"),
    "exaone4": Layout(norms=AFTER, head_norm=HeadNorm.head, sliding=all_but_every(4)),
    "gemma": BIASED,
    "gemma2": GEMMA_2,
    "gemma3_text": GEMMA_3,
    "glm": FUSED_MLP,
    "glm4": replace(
        FUSED_MLP,
        norms=(
            "input_layernorm", "post_attention_layernorm",
            "post_self_attn_layernorm", "post_mlp_layernorm",
        ),
    ),
    "gpt2": GPT_2,
    "gpt_neox": GPT_NEOX,
    "gpt_oss": GPT_OSS,
    "granite": LLAMA,
    "granitemoe": replace(BIASED, feed_forward="block_sparse_moe", experts=BLOCK_EXPERTS),
    "hunyuan_v1_dense": replace(
        BIASED, head_norm=HeadNorm.head, head_norms=("query_layernorm", "key_layernorm")
    ),
    "iquestcoder": LLAMA,
    "llama": LLAMA,
    "ministral": replace(PLAIN, sliding=every_layer),
    "ministral3": replace(PLAIN, sliding=every_layer),
    "mistral": replace(PLAIN, sliding=every_layer),
    "mixtral": replace(PLAIN, experts=MIXTRALS, sliding=every_layer),
    "nemotron": replace(LLAMA, into=("up_proj",), norm_bias=True),
    "olmo": replace(BIASED, norms=(), last_norm=None),
    "olmo2": OLMO_2,
    "olmo3": replace(OLMO_2, sliding=all_but_every(4)),
    "olmoe": replace(BIASED, head_norm=HeadNorm.whole, experts=OLMOES),
    "phi": phi,
    "phi3": Layout(fused="qkv_proj", into=("gate_up_proj",), wide=2, sliding=every_layer),
    "qwen2": replace(PLAIN, attention_bias=True, sliding=late_layers),
    "qwen2_moe": replace(
        PLAIN, attention_bias="qkv_bias", sliding=even_early_layers,
        experts=replace(QWENS, shared=True),
    ),
    "qwen3": replace(BIASED, head_norm=HeadNorm.head, sliding=late_layers),
    "qwen3_moe": replace(
        BIASED, head_norm=HeadNorm.head, sliding=switched_on,
        experts=replace(QWENS, renamed=QWEN_NAMES),
    ),
    "seed_oss": replace(LLAMA, out_bias="attention_out_bias"),
    "smollm3": replace(LLAMA, sliding=without_positions),
    "stablelm": stablelm,
    "starcoder2": STARCODER_2,
}  # fmt: skip
