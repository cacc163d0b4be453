"""Several runs side by side, as plain values: what the table, the page and machines are told."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ftrecipe.runs.record import Record, finite


@dataclass(frozen=True)
class Cell:
    """A metric of one run; against the first the change, and its interval where there is one."""

    value: float | None
    best: bool = False
    change: float | None = None
    low: float | None = None
    high: float | None = None
    real: bool | None = None
    better: bool | None = None


@dataclass(frozen=True)
class Metric:
    """A row of the table: one metric of all runs. direction: "max", "min" or neither."""

    suite: str
    name: str
    direction: str | None
    percent: bool
    cells: list[Cell]


@dataclass(frozen=True)
class Answers:
    """One question with the answer of every run; None where a run has none."""

    suite: str
    question: str
    expected: list[str]
    answers: list[str | None]


@dataclass
class Comparison:
    """All that is told of several runs. names: as they were typed."""

    names: list[str]
    runs: list[Record]
    metrics: list[Metric] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    differing: list[tuple[str, str, list[Any]]] = field(default_factory=list)
    cost: list[dict[str, float | None]] = field(default_factory=list)
    curves: list[list[tuple[float, float]]] = field(default_factory=list)
    answers: list[Answers] = field(default_factory=list)
    shared: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "schema_version": 1,
            "runs": [
                run.as_json() | {"asked": name, "cost": finite(cost)}
                for name, run, cost in zip(self.names, self.runs, self.cost, strict=True)
            ],
            "metrics": [finite(asdict(metric)) for metric in self.metrics],
            "notes": self.notes,
            "differences": [
                {"section": section, "item": item, "values": values}
                for section, item, values in self.differing
            ],
            "answers": [asdict(one) for one in self.answers],
        }
