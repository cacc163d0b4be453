"""One suite's results as the page tells them: values, changes and rows, by model."""

import math
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from ftrecipe.compare.pairs import pairs
from ftrecipe.compare.tallies import Sums, Tallies
from ftrecipe.components.eval import Eval, SplitEval
from ftrecipe.results import BASE, TUNED

Rows = list[dict[str, Any]]
Values = dict[str, float]

FLOOR = 5.0  # percent: where both models are below it, a metric is too strict to tell them apart


@dataclass(frozen=True)
class Change:
    """How one metric of the tuned model differs from a baseline's, as metrics.json has it.

    None: of what is no number; `real` of a metric that is no sum over examples.
    """

    change: float | None
    low: float | None
    high: float | None
    real: bool | None
    better: bool | None

    @classmethod
    def read(cls, found: dict[str, Any]) -> "Change":
        """Take what metrics.json says."""
        return cls(*(found.get(each.name) for each in fields(cls)))

    @property
    def ends(self) -> tuple[float, float] | None:
        """The interval, None where none can be told."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True)
class Suite:
    """What was measured, by model: a model that was not measured is simply not there."""

    name: str
    eval: Eval
    of: str
    values: dict[str, Values] = field(default_factory=dict)
    changes: dict[str, dict[str, Change]] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)

    @property
    def base(self) -> Values | None:
        """The base model's metrics."""
        return self.values.get(BASE)

    @property
    def tuned(self) -> Values | None:
        """The tuned model's metrics."""
        return self.values.get(TUNED)

    @property
    def known(self) -> Values:
        """The metrics of the tuned model, or of the first that was measured; empty for none."""
        return self.tuned or next(iter(self.values.values()), {})

    @property
    def is_timed(self) -> bool:
        """Whether it measures the machine too: two timings of a busy one are no proof."""
        return self.eval.headline in self.eval.units

    @property
    def is_general(self) -> bool:
        """Whether it asks for what no run is tuned for: what is worse there was forgotten."""
        return not isinstance(self.eval, SplitEval)

    @property
    def questions(self) -> str:
        """What was measured on with its number, where each has a row: "40 questions"."""
        count = len(next(iter(self.rows.values()), []))
        return f"{count:,} {self.of}" if count else self.of

    @cached_property
    def telling(self) -> str:
        """The metric to speak of: the headline, or the next where no answer gets near it.

        Which one is decided by the values alone and never by what is real: a choice among
        metrics by their intervals would find a gain where there is none.
        """
        strict = self.eval.headline
        for metric in [strict, *self.eval.directions]:
            found = [values.get(metric, 0.0) for values in self.values.values()]
            if metric in self.known and not (self.eval.is_percent(metric) and max(found) < FLOOR):
                return metric
        return strict

    def change(self, metric: str, who: str = BASE) -> Change | None:
        """Return how a metric differs from a baseline's, None where no interval was computed."""
        return self.changes.get(who, {}).get(metric)

    @cached_property
    def answers(self) -> dict[str, Rows]:
        """The rows of all models, of the examples that each of them was asked."""
        found = {who: rows for who, rows in self.rows.items() if rows}
        names = sorted(found, key=lambda who: {TUNED: 0, BASE: 1}.get(who, 2))
        for _ in names[1:]:  # twice: the first pass leaves those that the others lack
            for who in names[1:]:
                mine, theirs = pairs(found[names[0]], found[who], self.eval.identity)
                found |= {names[0]: mine, who: theirs}
        return found

    def each(self, rows: Rows, metric: str | None = None) -> list[float]:
        """Return of every row what its suite's own arithmetic makes of it alone.

        Losses are those of a token, so that no long or hopeless row outweighs all others.
        """
        import numpy as np

        if not rows or "nll" in rows[0]:
            return [row["nll"] / row["tokens"] if row["tokens"] else 0.0 for row in rows]
        try:
            tallies = Tallies(self.eval, rows)
        except KeyError:  # of an older release, whose rows lack what is counted today
            return [math.nan] * len(rows)
        with np.errstate(all="ignore"):
            found = self.eval.scores(Sums(tallies.columns, tallies.values, np.ones(len(rows))))
        return [float(value) for value in found[metric or self.telling]]
