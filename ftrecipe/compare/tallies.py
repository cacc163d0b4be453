"""Metrics as functions of sums over examples, so that any resample of the examples has them too."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray

Row = dict[str, Any]
GROUP = "group"  # the key of a row that says which rows belong together: of one conversation


class Tallied(Protocol):
    """What an eval suite says of its numbers."""

    def tally(self, row: Row) -> dict[str, float]:
        """Return what one example adds to the sums."""
        ...

    def scores(self, sums: "Sums") -> "dict[str, Array]":
        """Return every metric, computed from the sums of one or of many samples at once."""
        ...


class Sums(Mapping[str, "Array"]):
    """Sums over examples by name, each an array [samples]; what no example has added is zero."""

    def __init__(self, columns: Sequence[str], values: "Array", examples: "Array") -> None:
        """Take `values` [samples, columns], and the number of examples of each sample."""
        self._places = {name: at for at, name in enumerate(columns)}
        self._values, self.examples = values, examples

    def __getitem__(self, name: str) -> "Array":
        if name not in self._places:
            return 0.0 * self.examples
        return self._values[:, self._places[name]]

    def __iter__(self):
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def mean(self, name: str) -> "Array":
        """Return the mean over examples."""
        return self[name] / self.examples


class Tallies:
    """What each of several examples adds to the sums of one suite.

    Examples that share a `group` are no independent evidence: they make one unit, and are drawn
    again, or left out, together. Without groups each example is a unit.
    """

    def __init__(self, suite: Tallied, rows: Sequence[Row]) -> None:
        self.suite, self.rows = suite, rows
        self._added = [suite.tally(row) for row in rows]
        self.columns = list(dict.fromkeys(name for added in self._added for name in added))

    def __len__(self) -> int:
        """Return the number of units."""
        return len(self.sizes)

    @cached_property
    def values(self) -> "Array":
        """What each example adds, [examples, columns]."""
        import numpy as np

        rows = [[added.get(name, 0.0) for name in self.columns] for added in self._added]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.columns))

    @cached_property
    def _unit_of(self) -> "Array":
        """The unit of each example [examples], counted in the order of first examples."""
        import numpy as np

        keys = [
            (True, str(row[GROUP])) if row.get(GROUP) is not None else (False, str(at))
            for at, row in enumerate(self.rows)
        ]
        places = {key: at for at, key in enumerate(dict.fromkeys(keys))}
        return np.array([places[key] for key in keys], dtype=np.int64)

    @cached_property
    def sizes(self) -> "Array":
        """The examples of each unit [units]."""
        import numpy as np

        return np.bincount(self._unit_of).astype(np.float64)

    def units(self, columns: Sequence[str]) -> "Array":
        """Return what each unit adds [units, columns], in the order of the `columns` asked for."""
        import numpy as np

        known = {name: at for at, name in enumerate(self.columns)}
        summed = np.zeros((len(self), len(columns)))
        here = [at for at, name in enumerate(columns) if name in known]
        there = [known[columns[at]] for at in here]
        np.add.at(summed, (self._unit_of[:, None], np.array(here)), self.values[:, there])
        return summed

    def metrics(self) -> dict[str, float]:
        """Return the metrics of these examples; sums are exact, whatever their order."""
        import numpy as np

        whole = np.array([[_sum(column) for column in self.values.T]])
        found = self.scores(self.columns, whole, np.array([float(len(self.rows))]))
        return {name: float(value[0]) for name, value in found.items()}

    def scores(
        self, columns: Sequence[str], sums: "Array", examples: "Array"
    ) -> "dict[str, Array]":
        """Return each metric [samples] of `sums` [samples, columns]."""
        import numpy as np

        with np.errstate(all="ignore"):  # a sample may hold no token; a loss may have no exp()
            return self.suite.scores(Sums(columns, sums, examples))


def _sum(column: "Array") -> float:
    """Return the exact sum; of a model that diverged what there is, which is no number."""
    import numpy as np

    with np.errstate(all="ignore"):
        rough = float(column.sum())
    return math.fsum(column) if math.isfinite(rough) else rough
