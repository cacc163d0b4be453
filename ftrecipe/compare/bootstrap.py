"""Changes and values with intervals by a paired bootstrap: both models on the same examples."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ftrecipe.compare.draws import Seen, Settings, seen
from ftrecipe.compare.interval import interval, is_one_value, unseen
from ftrecipe.compare.tallies import Row, Tallied, Tallies

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

__all__ = ["LEAST_CHANGED", "Change", "Interval", "Paired", "Settings", "changes", "intervals"]

LEAST_CHANGED = 6  # of fewer, no sign test says 95 % even where all change one way: 2 / 2^5 > 5 %


@dataclass(frozen=True)
class Interval:
    """A value, and the ends between which the true one lies; None where none can be told."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Change:
    """How one metric changed: `low` to `high` holds the true change with CONFIDENCE.

    change: None where one of the two has no value, or an infinite one: of a model that diverged.
    real: whether zero is outside of the interval. changed: the examples, or groups of them, on
    which the two differ in this metric.
    """

    change: float | None
    low: float | None
    high: float | None
    real: bool
    changed: int


class Paired:
    """Two models on the same examples: `after` is held against `before`."""

    def __init__(
        self, suite: Tallied, after: Sequence[Row], before: Sequence[Row], settings: Settings
    ) -> None:
        """Draw all resamples. Raises ValueError for unequal numbers of examples, or for none."""
        mine, theirs = Tallies(suite, after), Tallies(suite, before)
        self.now, self.then = seen([mine, theirs], settings)
        self.examples = len(after)
        self.metrics = [name for name in self.now.whole if name in self.then.whole]
        self._swapped = _swapped(mine, theirs)

    def changed(self, metric: str) -> int:
        """Return on how many examples the two differ in a metric."""
        import numpy as np

        values, whole = self._swapped[metric][:-1], self._swapped[metric][-1]
        with np.errstate(invalid="ignore"):
            same = (values == whole) | (abs(values - whole) <= 1e-12 * abs(whole))
            same |= np.isnan(values) & np.isnan(whole)
        return int((~same).sum())

    def margin(self, metric: str, factor: float = 1.0, offset: float = 0.0) -> Interval | None:
        """Return after - (factor * before + offset); None where it is not a finite number.

        Where the two differ on fewer than LEAST_CHANGED examples, the interval also holds what
        would be if they did not differ: so few can have changed by chance. Where all examples
        changed alike, it reaches as far as those of which none has been seen yet may pull it.
        """
        value = self.now.whole[metric] - factor * self.then.whole[metric] - offset
        if not math.isfinite(value):
            return None
        drawn = _difference(self.now.resamples[metric], self.then.resamples[metric], factor)
        left = _difference(self.now.without[metric], self.then.without[metric], factor)
        ends = interval(drawn - offset, left - offset)
        if ends is None:
            return Interval(value, None, None)
        low, high = ends
        unchanged = (1 - factor) * self.then.whole[metric] - offset
        if self.changed(metric) < LEAST_CHANGED:
            low, high = min(low, unchanged), max(high, unchanged)
        elif is_one_value(low, high):
            alone = _difference(self.now.alone[metric], self.then.alone[metric], factor) - offset
            other = value + unseen(_alike(alone, value)) * (unchanged - value)
            low, high = min(low, other), max(high, other)
        return Interval(value, low, high)

    def change(self, metric: str) -> Change:
        """Return how a metric changed."""
        found = self.margin(metric) or Interval(math.nan, None, None)
        low, high = found.low, found.high
        real = low is not None and high is not None and (low > 0 or high < 0)
        value = None if math.isnan(found.value) else found.value
        return Change(value, low, high, real, self.changed(metric))


def changes(
    suite: Tallied, after: Sequence[Row], before: Sequence[Row], settings: Settings
) -> dict[str, Change]:
    """Return the change of every metric that both have. Raises ValueError as `Paired` does."""
    both = Paired(suite, after, before, settings)
    return {metric: both.change(metric) for metric in both.metrics}


def intervals(
    suite: Tallied,
    rows: Sequence[Row],
    settings: Settings,
    is_percent: Callable[[str], bool] = lambda metric: False,
) -> dict[str, Interval]:
    """Return every metric of one model with its interval. Raises ValueError for no rows.

    `is_percent` tells which lie between 0 and 100: so what all examples being right, or wrong,
    says of the others is known too.
    """
    (found,) = seen([Tallies(suite, rows)], settings)
    return {metric: _of_one(found, metric, is_percent(metric)) for metric in found.whole}


def _of_one(found: Seen, metric: str, percent: bool) -> Interval:
    value = found.whole[metric]
    finite = math.isfinite(value)
    ends = interval(found.resamples[metric], found.without[metric]) if finite else None
    if ends is None:
        return Interval(value, None, None)
    low, high = ends
    if percent and is_one_value(low, high):
        share = unseen(_alike(found.alone[metric], value))
        low, high = low - share * value, high + share * (100 - value)
    return Interval(value, low, high)


def _alike(alone: "Array", value: float) -> int:
    """Return how many units say what all of them say: those of a part, for a metric of a part."""
    import numpy as np

    return int(np.isclose(alone, value, rtol=1e-9, atol=1e-9).sum()) or len(alone)


def _difference(now: "Array", then: "Array", factor: float) -> "Array":
    """Return now - factor * then; infinite where either is, so that it is not taken for unknown."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(now) | np.isinf(then), np.inf, now - factor * then)


def _swapped(mine: Tallies, theirs: Tallies) -> "dict[str, Array]":
    """Return the metrics of `mine` where one unit is as it is in `theirs`, and of none at last."""
    import numpy as np

    columns = list(dict.fromkeys([*mine.columns, *theirs.columns]))
    units = mine.units(columns)
    with np.errstate(all="ignore"):
        other = np.vstack([theirs.units(columns) - units, np.zeros((1, len(columns)))])
        sums = units.sum(axis=0) + other
    return mine.scores(columns, sums, np.full(len(sums), mine.sizes.sum()))
