"""What a sweep varies: one dimension a key, written in Hydra's sweep grammar."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    ChoiceSweep,
    Glob,
    IntervalSweep,
    Override,
    QuotedString,
    RangeSweep,
)
from hydra.errors import HydraException

from ftrecipe.config import GROUPS, options
from ftrecipe.door.recipes import names
from ftrecipe.door.words import field_types
from ftrecipe.errors import ConfigError
from ftrecipe.paths import typed

FILES = ("dataset", "model", "recipe")


@dataclass(frozen=True)
class Choices:
    """Values to choose from, as texts."""

    key: str
    values: tuple[str, ...]

    @property
    def edges(self) -> tuple[str, ...]:
        """Return values that tell whether the dimension is sound: all of them."""
        return self.values


@dataclass(frozen=True)
class Numbers:
    """Numbers from `low` to `high`, both of them in it, in steps or anywhere between."""

    key: str
    low: float
    high: float
    step: float | None = None
    log: bool = False
    whole: bool = False

    @property
    def values(self) -> tuple[str, ...] | None:
        """Return every number, None where there is no end of them."""
        if self.step is None:
            return None
        count = int((self.high - self.low) / self.step + 1e-9) + 1
        return tuple(self.text(self.low + index * self.step) for index in range(count))

    @property
    def edges(self) -> tuple[str, ...]:
        """Return values that tell whether the dimension is sound: both ends."""
        return tuple(dict.fromkeys([self.text(self.low), self.text(self.high)]))

    def text(self, number: float) -> str:
        """Write a number: six digits are more than any setting needs."""
        return str(round(number)) if self.whole else f"{number:.6g}"


Dimension = Choices | Numbers


def plain(dimension: Dimension) -> dict[str, Any]:
    """Return a dimension as JSON values."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in vars(dimension).items()}


def from_plain(node: dict[str, Any]) -> Dimension:
    """Return the dimension that `plain` wrote."""
    if "values" in node:
        return Choices(node["key"], tuple(node["values"]))
    return Numbers(**node)


def combinations(space: Sequence[Dimension]) -> Iterator[dict[str, str]]:
    """Yield every combination, the last key varying fastest.

    Raises ConfigError for a dimension with no end of values.
    """
    refuse_endless(space)
    for point in product(*(one.values or () for one in space)):
        yield {one.key: text for one, text in zip(space, point, strict=True)}


def refuse_endless(space: Sequence[Dimension]) -> None:
    """Raise ConfigError for dimensions with no end of values."""
    endless = [one.key for one in space if one.values is None]
    if endless:
        raise ConfigError(
            f"{key}: an interval has no end of values, so not every combination can be run; "
            "give values, or let Optuna choose: hydra/sweeper=optuna"
            for key in endless
        )


def count(space: Sequence[Dimension]) -> int | None:
    """Return how many combinations there are, None for no end of them."""
    total = 1
    for one in space:
        if one.values is None:
            return None
        total *= len(one.values)
    return total


def read(key: str, text: str) -> Dimension | str:
    """Return what `key=text` varies; of a word that varies nothing, its value for compose."""
    if key in FILES and os.path.exists(typed(text)):  # a name that is too long is none
        return text
    override = _parsed(key, text)
    if not override.is_sweep_override():
        quoted = isinstance(override._value, QuotedString)
        return override._value.text if quoted else text  # type: ignore[union-attr]
    value: Any = override.value()
    if isinstance(value, Glob):
        known = list(names() if key == "recipe" else options(key) if key in GROUPS else [])
        return Choices(key, tuple(value.filter(known)))
    if isinstance(value, IntervalSweep):
        return _checked(_interval(key, value), text)
    if isinstance(value, RangeSweep) and not value.shuffle:
        return _checked(_range(key, value, len(list(override.sweep_string_iterator()))), text)
    texts = tuple(_texts(override, value))
    if not all(texts):
        raise ConfigError(f"{key}={text}: one of the values says nothing")
    return Choices(key, tuple(dict.fromkeys(texts)))


def _parsed(key: str, text: str) -> Override:
    try:
        return OverridesParser.create().parse_override(f"x={text}")
    except HydraException:
        raise ConfigError(
            f"{key}={text}: cannot be read; in a sweep, text with commas, brackets or quotes is "
            f"written {key}='…'"
        ) from None


def _texts(override: Override, value: Any) -> Iterator[str]:
    """Yield values as compose takes them: text as it is, with no quotes and nothing escaped."""
    written = list(override.sweep_string_iterator())  # shuffled, where that was asked for
    if not isinstance(value, ChoiceSweep) or value.shuffle:
        yield from written
        return
    for item, as_hydra in zip(value.list, written, strict=True):
        if isinstance(item, QuotedString):
            yield item.text
        else:
            yield item if isinstance(item, str) else as_hydra


def _interval(key: str, value: IntervalSweep) -> Numbers:
    assert value.start is not None
    assert value.end is not None
    whole = isinstance(value.start, int) or field_types().get(key) in (int, int | None)
    return Numbers(key, value.start, value.end, log="log" in value.tags, whole=whole)


def _range(key: str, value: RangeSweep, length: int) -> Numbers:
    assert value.start is not None
    whole = all(isinstance(number, int) for number in (value.start, value.stop, value.step))
    last = value.start + (length - 1) * value.step
    return Numbers(key, value.start, last, value.step, log="log" in value.tags, whole=whole)


def _checked(numbers: Numbers, text: str) -> Numbers:
    said = f"{numbers.key}={text}"
    if numbers.step is not None and numbers.step < 0:
        numbers = replace(numbers, low=numbers.high, high=numbers.low, step=-numbers.step)
    if numbers.low > numbers.high:
        raise ConfigError(f"{said}: begins above its end")
    if numbers.log and numbers.low <= 0:
        raise ConfigError(f"{said}: a logarithmic scale begins above 0")
    if numbers.log and numbers.step is not None:
        raise ConfigError(f"{said}: log goes with interval(low, high)")
    return numbers
