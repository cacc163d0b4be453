"""The families of models that are written here, each by how it differs from Llama."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ftrecipe.errors import KNOWN, ConfigError, listed
from ftrecipe.gguf import INSTEAD
from ftrecipe.gguf.rotary import Rotary

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Family:
    """What llama.cpp's code for a family takes for granted, and what it reads.

    architecture: llama.cpp's name for it. interleaved: its rotary embedding turns neighboring
    rows of a head, where transformers turns the two halves of it. biases: layers that may have
    one. head_norms: queries and keys of a head are normed. frequencies: a tensor that stretches
    single frequencies of the rotary embedding is read. granted: values of config.json that have no
    place in the file, since the code knows no others. remade: transformers makes the tokenizer of
    its vocabulary alone, whatever else its tokenizer.json says. zero_at: lists of config.json that
    have 1 for each layer and 0 for each so-many-th, as the code has it by itself.
    """

    architecture: str
    interleaved: bool = False
    biases: tuple[str, ...] = ()
    head_norms: bool = False
    frequencies: bool = False
    granted: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    remade: bool = False
    zero_at: Mapping[str, int] = field(default_factory=dict)


_LLAMA = Family("llama", interleaved=True, biases=(*ATTENTION, *FEED_FORWARD), frequencies=True)

FAMILIES: dict[str, Family] = {
    "llama": _LLAMA,
    "mistral": _LLAMA,
    "qwen2": Family("qwen2", biases=("q_proj", "k_proj", "v_proj"), remade=True),
    "qwen3": Family("qwen3", head_norms=True, remade=True),
    "smollm3": Family(
        "smollm3",
        interleaved=True,
        granted={"no_rope_layer_interval": (4,)},
        zero_at={"no_rope_layers": 4},
    ),
}

GRANTED = {"hidden_act": ("silu",), "partial_rotary_factor": (None, 1.0)}
"""What all of these families take for granted."""


def stranger(model_type: str | None) -> str:
    """Say that a kind of model is not written here, and what to do."""
    kind = f"models of the kind {model_type}" if model_type else "models of no known kind"
    return f"{kind} are not written here; {INSTEAD}{KNOWN}{listed(sorted(FAMILIES))})"


def family_of(config: Mapping[str, Any]) -> Family:
    """Return the family of a model by its config.json. Raises ConfigError with all that is new."""
    model_type = config.get("model_type")
    if model_type not in FAMILIES:
        raise ConfigError(f"export.gguf: {stranger(model_type)}")
    family = FAMILIES[model_type]
    wrong = [
        f"{name}={config[name]!r}"
        for name, values in {**GRANTED, **family.granted}.items()
        if name in config and config[name] not in values
    ]
    wrong += [
        f"{name} other than 0 at every {step}th"
        for name, step in family.zero_at.items()
        if any(one != int(at % step != 0) for at, one in enumerate(config.get(name) or (), start=1))
    ]
    wrong += ["quantized weights"] if config.get("quantization_config") else []
    if wrong:
        raise ConfigError(
            f"export.gguf: llama.cpp's {family.architecture} has no place for {listed(wrong)} of "
            f"this model's config.json; {INSTEAD}"
        )
    return family


def check_positions(family: Family, rotary: Rotary) -> None:
    """Raise ConfigError for an encoding of positions that llama.cpp has, but not for a family."""
    if rotary.factors and not family.frequencies:
        raise ConfigError(
            f"export.gguf: llama.cpp's {family.architecture} does not stretch single frequencies "
            f"(rope_type=llama3); {INSTEAD}"
        )
