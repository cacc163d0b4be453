"""Metrics as functions of sums over examples, so that any resample of the examples has them too."""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray

Row = dict[str, Any]


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
    """What each of several examples adds to the sums of one suite."""

    def __init__(self, suite: Tallied, rows: Sequence[Row]) -> None:
        self.suite = suite
        self._added = [suite.tally(row) for row in rows]
        self.columns = list(dict.fromkeys(name for added in self._added for name in added))

    def __len__(self) -> int:
        return len(self._added)

    @cached_property
    def values(self) -> "Array":
        """All of it, [examples, columns]."""
        import numpy as np

        rows = [[added.get(name, 0.0) for name in self.columns] for added in self._added]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.columns))

    def metrics(self) -> dict[str, float]:
        """Return the metrics of these examples; sums are exact, whatever their order."""
        import numpy as np

        whole = np.array([[math.fsum(column) for column in self.values.T]])
        found = self._scores(whole, np.array([float(len(self))]))
        return {name: float(value[0]) for name, value in found.items()}

    def resampled(self, weights: "Array") -> "dict[str, Array]":
        """Return each metric [samples] where example k counts `weights[:, k]` times."""
        return self._scores(weights @ self.values, weights.sum(axis=1))

    def _scores(self, sums: "Array", examples: "Array") -> "dict[str, Array]":
        import numpy as np

        with np.errstate(all="ignore"):  # a sample may hold no token; a loss may have no exp()
            return self.suite.scores(Sums(self.columns, sums, examples))
