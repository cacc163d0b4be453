"""Intervals by a paired bootstrap: both models on the same examples, drawn again and again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ftrecipe.compare.tallies import Row, Tallied, Tallies

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

CONFIDENCE = 0.95
CELLS = 1 << 22  # weights that are held at a time
LEAST_CHANGED = 6  # examples: of fewer, no test without assumptions says 95 %, since 2 / 2^5 > 5 %


@dataclass(frozen=True)
class Settings:
    """How often examples are drawn again, and by which dice."""

    resamples: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Change:
    """How one metric changed: `low` to `high` holds the true change with CONFIDENCE.

    real: whether zero is outside of it. changed: on how many examples the two differ.
    """

    change: float
    low: float
    high: float
    real: bool
    changed: int


def changes(
    suite: Tallied, after: Sequence[Row], before: Sequence[Row], settings: Settings
) -> dict[str, Change]:
    """Return the change of every metric that both have. Raises ValueError for unequal numbers."""
    if len(after) != len(before):
        raise ValueError(f"{len(after)} examples cannot be paired with {len(before)}")
    mine, theirs = Tallies(suite, after), Tallies(suite, before)
    now, then = mine.metrics(), theirs.metrics()
    draws = differences(mine, theirs, settings)
    differing = sum(a != b for a, b in zip(mine._added, theirs._added, strict=True))
    return {
        name: _change(now[name] - then[name], draws[name], len(mine), differing)
        for name in now
        if name in then
    }


def differences(mine: Tallies, theirs: Tallies, settings: Settings) -> "dict[str, Array]":
    """Return of each metric how it differs in every resample."""
    import numpy as np

    parts: dict[str, list[Array]] = {}
    for weights in draws(len(mine), settings):
        now, then = mine.resampled(weights), theirs.resampled(weights)
        for name in now.keys() & then.keys():
            parts.setdefault(name, []).append(now[name] - then[name])
    return {name: np.concatenate(found) for name, found in parts.items()}


def draws(examples: int, settings: Settings) -> "Iterator[Array]":
    """Yield how often each example is drawn [samples, examples], a part of the samples at a time.

    A pure function of the settings and the number of examples: every metric, baseline and machine
    sees the same resamples.
    """
    import numpy as np

    dice = np.random.default_rng(settings.seed)
    odds = np.full(examples, 1 / examples)
    left = settings.resamples
    while left:
        count = min(left, max(1, CELLS // examples))
        yield dice.multinomial(examples, odds, size=count).astype(np.float64)
        left -= count


def _change(value: float, drawn: "Array", examples: int, differing: int) -> Change:
    import numpy as np

    tail = (1 - CONFIDENCE) / 2
    low, high = (float(q) for q in np.quantile(drawn, [tail, 1 - tail]))
    real = differing >= LEAST_CHANGED and (low > 0 or high < 0)
    return Change(value, low, high, real, differing)
