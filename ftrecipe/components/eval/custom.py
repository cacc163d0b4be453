"""Suite `custom`: answers judged by a function that an installed package provides."""

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, AnswerEval, Completion, Example, SuiteResult
from ftrecipe.errors import ConfigError, StageError, did_you_mean, listed

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

METRICS = "ftrecipe.metrics"
"""The group of entry points in which packages offer functions."""

Judge = Callable[[str, list[str], str], dict[str, float]]
"""Takes question, expected answers and answer; returns numbers by metric."""


@GROUP.option("custom")
@dataclass
class Custom(AnswerEval):
    """The means of what a package's function says of each answer.

    `name` is an entry point of the group `ftrecipe.metrics`: never a path, since installing the
    package is the act of trust. A metric that is in neither list is shown, and neither better nor
    worse; without lists, higher values of `score` are better. `headline` is the first metric of the
    lists unless it is named.
    """

    directions: ClassVar[dict[str, str]] = {"score": "max"}
    open_ended: ClassVar[bool] = True
    loads_code: ClassVar[bool] = True

    name: str | None = None
    higher_is_better: list[str] = field(default_factory=list)
    lower_is_better: list[str] = field(default_factory=list)
    headline: str = "score"  # type: ignore[misc]

    def __post_init__(self) -> None:
        ways = dict.fromkeys(self.higher_is_better, "max")
        ways |= dict.fromkeys(self.lower_is_better, "min")
        # What other suites declare of their class, this one is told.
        vars(self)["directions"] = ways or type(self).directions
        if self.headline == type(self).headline and self.headline not in self.directions:
            vars(self)["headline"] = next(iter(self.directions))

    def judged(self, example: Example, said: Completion) -> Row:
        """Ask the function. Raises StageError, with the place, where it fails."""
        where, judge = f"eval.custom.name={self.name}: on {example.where}", self._judge
        try:
            found = judge(example.question, list(example.answers), said.text)
        except Exception as error:  # a package's function may raise anything
            raise StageError(f"{where} it failed: {type(error).__name__}: {error}") from error
        return {"metrics": _numbers(found, where)}

    @cached_property
    def _judge(self) -> Judge:
        """Load the function. Raises ConfigError where it cannot be."""
        point = installed().get(self.name or "")
        if point is None:
            raise ConfigError(f"eval.custom.{fault}" for fault in self._name_faults())
        try:
            return point.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"eval.custom.name={self.name}: {point.value}: {error}") from error

    def tally(self, row: Row) -> dict[str, float]:
        """Add each metric, and that the row has it."""
        found = row["metrics"]
        return {f"sum.{n}": float(v) for n, v in found.items()} | {f"of.{n}": 1.0 for n in found}

    def scores(self, sums: Sums) -> "dict[str, Array]":
        """Return of each metric the mean over the examples of which the function gave it."""
        import numpy as np

        names = [name.removeprefix("sum.") for name in sums if name.startswith("sum.")]
        means = {name: sums[f"sum.{name}"] / np.maximum(sums[f"of.{name}"], 1) for name in names}
        return means | {"questions": sums.examples}

    def result(self, rows: list[Row], alone: dict[str, float] | None = None) -> SuiteResult:
        """Return rows with their metrics. Raises ConfigError for a metric that was never given."""
        found = super().result(rows, alone)
        lost = [name for name in self.directions if name not in found.metrics]
        if lost and rows:
            raise ConfigError(
                f"eval.custom.name={self.name}: never gave {listed(lost)}, but "
                f"{listed(sorted({name for row in rows for name in row['metrics']}))}; set "
                "eval.custom.higher_is_better or eval.custom.lower_is_better to what it gives"
            )
        return found

    def files(self) -> dict[str, Path]:
        """Return the function's source, so that a changed one is asked again."""
        own = super().files()
        judge = inspect.unwrap(self._judge)
        code = judge if inspect.isroutine(judge) else type(judge)
        try:
            return own | {"name": Path(inspect.getfile(code))}
        except TypeError:  # it is built in
            return own

    def faults(self) -> list[str]:
        return [*super().faults(), *self._name_faults(), *self._metric_faults()]

    def unfit(self, examples: Sequence[Example]) -> list[str]:
        """Load the function while no model is loaded yet: one that cannot be says so now."""
        try:
            assert self._judge
        except ConfigError as error:
            return error.faults
        return super().unfit(examples)

    def _name_faults(self) -> list[str]:
        known = sorted(installed())
        there = (
            f"(known: {listed(known)})"
            if known
            else (f"(no installed package has an entry point in the group {METRICS})")
        )
        if self.name is None:
            return [f"name is not set; add eval.custom.name=<entry point> {there}"]
        if self.name not in known:
            return [f"name={self.name}: is not installed{did_you_mean(self.name, known)} {there}"]
        return []

    def _metric_faults(self) -> list[str]:
        both = sorted({*self.higher_is_better} & {*self.lower_is_better})
        found = [f"lower_is_better: {listed(both)} is in higher_is_better too"] if both else []
        if self.headline not in self.directions:
            hint = did_you_mean(self.headline, self.directions)
            found.append(f"headline={self.headline}: is neither in higher_is_better nor in "
                         f"lower_is_better{hint}")  # fmt: skip
        return found


def installed() -> dict[str, EntryPoint]:
    """Return the functions that packages offer, by name; nothing is imported."""
    return {point.name: point for point in entry_points(group=METRICS)}


def _numbers(found: Any, where: str) -> dict[str, float]:
    """Return what a function gave, if it is finite numbers by name. Raises StageError."""
    if not isinstance(found, dict) or not found:
        raise StageError(f"{where} it gave {found!r}; it has to give numbers by name")
    for name, value in found.items():
        number = isinstance(value, int | float) and math.isfinite(value)
        if not isinstance(name, str) or not number:
            raise StageError(f"{where} it gave {name!r}: {value!r}, which is no finite number")
    return {name: float(value) for name, value in found.items()}
