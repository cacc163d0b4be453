"""How answers of a chat are written: the settings that people may change, read from words."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ftrecipe.components.eval import Decoding
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.registry import LAST_SEED

USUAL = Decoding(max_new_tokens=512)


@dataclass(frozen=True)
class Bounds:
    """What a number may be; `above` is a bound that it may not reach."""

    kind: type
    low: float
    high: float = math.inf
    above: bool = False

    def read(self, name: str, text: str) -> Any:
        """Return the number that a text is. Raises ConfigError."""
        try:
            value = self.kind(text)
        except ValueError:
            value = math.nan
        low_enough = value > self.low if self.above else value >= self.low
        if not (low_enough and value <= self.high):
            raise ConfigError(f"{name}={text}: should be {self}")
        return value

    def __str__(self) -> str:
        """Say which numbers are meant: "a whole number from 1"."""
        kind = "a whole number" if self.kind is int else "a number"
        low = f"above {self.low:g}" if self.above else f"from {self.low:g}"
        return f"{kind} {low}" + ("" if math.isinf(self.high) else f" to {self.high:g}")


KNOWN = {
    "temperature": Bounds(float, 0, 10),
    "max_new_tokens": Bounds(int, 1, 1_000_000),
    "top_p": Bounds(float, 0, 1, above=True),
    "top_k": Bounds(int, 1),
    "repetition_penalty": Bounds(float, 0, 10, above=True),
    "seed": Bounds(int, 0, LAST_SEED),
}


def changed(decoding: Decoding, name: str, text: str) -> Decoding:
    """Return the settings with one changed. Raises ConfigError with the nearest name, or bounds."""
    if name not in KNOWN:
        hint = did_you_mean(name, KNOWN)
        raise ConfigError(f"{name} is no setting of a chat{hint} (settings: {listed([*KNOWN])})")
    return replace(decoding, **{name: KNOWN[name].read(name, text)})


def read_all(words: Iterable[str], faults: list[str]) -> Decoding:
    """Return the settings that `key=value` words change; what is wrong with them is added."""
    decoding = USUAL
    for word in words:
        name, equals, text = word.partition("=")
        try:
            if not equals:
                raise ConfigError(f"{word}: what is that? settings are written key=value")
            decoding = changed(decoding, name.lstrip("+"), text)
        except ConfigError as error:
            faults += error.faults
    return decoding


def told(decoding: Decoding) -> str:
    """Say how answers are written, as a person reads it."""
    if decoding.temperature == 0:
        parts = ["the likeliest token each time (temperature 0)"]
    else:
        parts = [f"temperature {decoding.temperature:g}"]
        parts += [f"top_p {decoding.top_p:g}"] if decoding.top_p < 1 else []
        parts += [f"top_k {decoding.top_k}"] if decoding.top_k else []
    if decoding.repetition_penalty != 1:
        parts.append(f"repetition_penalty {decoding.repetition_penalty:g}")
    return ", ".join([*parts, f"up to {decoding.max_new_tokens:,} tokens an answer"])
