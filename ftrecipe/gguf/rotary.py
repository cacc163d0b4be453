"""Rotary position embeddings: what config.json says of them, in llama.cpp's words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ftrecipe.errors import ConfigError, listed
from ftrecipe.gguf import INSTEAD

THETA = 10_000.0  # where a config leaves it out
_YARN_USUAL = {
    "attention_factor": None,
    "mscale": None,
    "mscale_all_dim": None,
    "truncate": True,
    "beta_fast": 32,
    "beta_slow": 1,
}


@dataclass(frozen=True)
class Rotary:
    """How positions are encoded.

    scaling: llama.cpp's name for what stretches all frequencies alike; "" for none. original:
    tokens of a row before stretching. factors: what each frequency is divided by, one for each
    two numbers of a head; () where all stay.
    """

    theta: float
    scaling: str = ""
    factor: float = 1.0
    original: int | None = None
    factors: tuple[float, ...] = ()


def rotary_of(config: Mapping[str, Any], head_dim: int) -> Rotary:
    """Return what a config.json says, old or new: `rope_theta` and `rope_scaling`, or both in
    `rope_parameters`. Raises ConfigError for a kind of stretching that llama.cpp does otherwise."""
    said = {**(config.get("rope_scaling") or {}), **(config.get("rope_parameters") or {})}
    kind = said.get("rope_type", said.get("type", "default"))
    theta = float(said.get("rope_theta", config.get("rope_theta") or THETA))
    original = said.get("original_max_position_embeddings")
    usual = int(original or config["max_position_embeddings"])
    if kind == "default" and not any(isinstance(value, Mapping) for value in said.values()):
        return Rotary(theta)
    if kind == "linear":
        return Rotary(theta, "linear", float(said["factor"]))
    if kind == "llama3":
        return Rotary(theta, factors=_llama3(said, theta, head_dim, usual))
    odd = [f"{name}={said[name]!r}" for name, value in _YARN_USUAL.items()
           if said.get(name, value) != value]  # fmt: skip
    if kind == "yarn" and not odd:
        return Rotary(theta, "yarn", float(said["factor"]), usual)
    what = f"yarn with {listed(odd)}" if kind == "yarn" else f"rope_type={kind!r}"
    raise ConfigError(
        f"export.gguf: positions stretched by {what} are not written here (default, linear, llama3 "
        f"and usual yarn are); {INSTEAD}"
    )


def _llama3(
    said: Mapping[str, Any], theta: float, head_dim: int, original: int
) -> tuple[float, ...]:
    """Return Llama 3.1's divisors: long waves are stretched, short ones stay as they are."""
    factor, low, high = (
        float(said[name]) for name in ("factor", "low_freq_factor", "high_freq_factor")
    )
    factors = []
    for even in range(0, head_dim, 2):
        turns = original / (2 * math.pi * theta ** (even / head_dim))
        share = min(max((turns - low) / (high - low), 0.0), 1.0)
        factors.append(1 / ((1 - share) / factor + share))
    return tuple(factors)
