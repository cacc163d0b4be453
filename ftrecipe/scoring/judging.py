"""Lets a suite judge answers, and says how sure its numbers are; pure."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from ftrecipe.compare.bootstrap import Change, Interval, Settings, changes, intervals
from ftrecipe.components.eval import AnswerEval, SuiteResult
from ftrecipe.errors import ConfigError
from ftrecipe.scoring.pairing import Paired


@dataclass(frozen=True)
class Numbers:
    """What a suite says of one file of answers.

    n: how many questions were asked. parts: how many of each kind, where there are kinds.
    """

    metrics: dict[str, float]
    n: int
    missing: int
    parts: dict[str, int]

    def plain(self) -> dict[str, Any]:
        """Return them as JSON has them; what is no number, such as 0 by 0, is null."""
        found: dict[str, Any] = {name: _number(value) for name, value in self.metrics.items()}
        parts = {f"n.{part}": count for part, count in self.parts.items()}
        return found | {"n": self.n, **parts, "missing": self.missing}


@dataclass(frozen=True)
class Scored:
    """One suite's numbers with their intervals, and what they are held against, if anything."""

    suite: AnswerEval
    mine: Numbers
    intervals: dict[str, Interval]
    other: Numbers | None = None
    changes: dict[str, Change] | None = None

    def better(self, metric: str, change: Change) -> bool | None:
        """Say whether a change is for the better; None where it is not real, or neither."""
        direction = self.suite.direction(metric)
        if not change.real or change.change is None or direction is None:
            return None
        return (change.change > 0) == (direction == "max")

    def plain(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        found = self.mine.plain()
        if self.other is not None and self.changes is not None:
            found["against"] = self.other.plain()
            found["compare"] = {
                name: {key: _number(value) for key, value in asdict(change).items()}
                | {"better": self.better(name, change)}
                for name, change in self.changes.items()
                if name in self.mine.metrics
            }
        return found


def scored(
    name: str, suite: AnswerEval, mine: Paired, other: Paired | None, settings: Settings
) -> Scored:
    """Judge the answers. Raises ConfigError where the suite cannot ask these questions."""
    if faults := suite.unfit([example for example, _ in mine.pairs[: suite.max_samples]]):
        raise ConfigError(f"eval=[{name}]: {fault}" for fault in faults)
    try:
        result = _judged(suite, mine)
        theirs = None if other is None else _judged(suite, other)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"eval=[{name}] needs the package {error.name}: pip install 'ftrecipe[train]'"
        ) from None
    return Scored(
        suite,
        _numbers(suite, result, mine),
        intervals(suite, result.rows, settings, suite.is_percent),
        _numbers(suite, theirs, other) if theirs and other else None,
        changes(suite, result.rows, theirs.rows, settings) if theirs else None,
    )


def _judged(suite: AnswerEval, found: Paired) -> SuiteResult:
    return suite.result([suite.row(*pair) for pair in found.pairs[: suite.max_samples]])


def _numbers(suite: AnswerEval, result: SuiteResult, found: Paired) -> Numbers:
    """Return the metrics, the numbers of questions apart."""
    counts = {name for name in result.metrics if name.partition(".")[0] == suite.of}
    metrics = {name: value for name, value in result.metrics.items() if name not in counts}
    parts = {name.partition(".")[2]: int(result.metrics[name]) for name in counts - {suite.of}}
    missing = sum(said.missing for _, said in found.pairs[: suite.max_samples])
    return Numbers(metrics, len(result.rows), missing, dict(sorted(parts.items())))


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
