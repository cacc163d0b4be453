"""What every tracker takes of a run: its settings, its curves, and at the end what came of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Cell = str | float | None


@dataclass(frozen=True)
class Opening:
    """What a run begins with at a tracker.

    id: by which the tracker knows a run that was begun before; None for a new one.
    config: dotted keys and plain values, without secrets. pid: the process whose use of the
    machine is meant.
    """

    name: str
    folder: Path
    config: dict[str, Any]
    id: str | None = None
    pid: int | None = None


@dataclass(frozen=True)
class Final:
    """What came of a run.

    columns, rows: the table of its metrics. values: its numbers by name, as `tuned/qa.f1`.
    reports: the pages that are there. model: the folder of what was trained, if that is asked for.
    """

    columns: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    reports: list[Path] = field(default_factory=list)
    model: Path | None = None
    step: int = 0

    def markdown(self) -> str:
        """Return the table as text."""
        head = [self.columns, ["---"] * len(self.columns)]
        return "\n".join(f"| {' | '.join(map(_text, row))} |" for row in [*head, *self.rows])

    def page(self, suffix: str) -> Path | None:
        """Return the report of a kind, `.md` or `.html`."""
        return next((one for one in self.reports if one.suffix == suffix), None)


class Sink:
    """One run at a tracker, open for what is to be kept of it. Everything may raise anything."""

    id: str

    def log(self, values: dict[str, float], step: int) -> None:
        """Add points to curves."""
        raise NotImplementedError

    def final(self, final: Final) -> None:
        """Add what came of the run."""
        raise NotImplementedError

    def close(self) -> None:
        """Return once all of it has arrived."""
        raise NotImplementedError


def _text(value: Cell) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
