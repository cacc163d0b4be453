"""What a sweep's command line asks for, checked whole before anything is kept or run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ftrecipe.compose import Composition
from ftrecipe.errors import ConfigError
from ftrecipe.plan import Plan
from ftrecipe.sweep import line, space
from ftrecipe.sweep.line import Line
from ftrecipe.sweep.preflight import Verdict, first_plan, preflight
from ftrecipe.sweep.search import check_pruning, choose_sweeper, read_settings, trials_of
from ftrecipe.sweep.settings import Ready
from ftrecipe.sweep.space import Dimension

SHOWN = 8  # combinations that cannot run, and are told one by one


@dataclass
class Outlook:
    """A sweep before it begins: its words, its space, what was looked at, and the first trial."""

    asked: Line
    ready: Ready
    dimensions: Sequence[Dimension]
    sweeper: str
    seen: list[Verdict]
    first: Composition
    made: Plan

    @property
    def trials(self) -> int:
        """Return how many trials there will be."""
        return trials_of(self.ready, self.sweeper, list(self.dimensions))

    @property
    def refused(self) -> list[Verdict]:
        """Return the combinations that were looked at and cannot run."""
        return [verdict for verdict in self.seen if verdict.made is None]

    def lines(self) -> list[str]:
        """Return in lines how many trials there are, what varies, and which cannot run."""
        refused, checked = self.refused, len(self.seen)
        can = f"{checked - len(refused)} of {checked} combinations that were checked can run"
        said = [f"sweep     trials: {self.trials}; {can}"]
        said += [f"  {one.key}: {_values(one)}" for one in self.dimensions]
        said += [
            f"refused   {point_of(one)}: {'; '.join(one.faults)}" for one in refused[:SHOWN]
        ]  # fmt: skip
        return said + ([f"  and {len(refused) - SHOWN} more"] if len(refused) > SHOWN else [])

    def as_json(self) -> dict[str, Any]:
        """Return the same for machines."""
        return {
            "schema_version": 1,
            "trials": self.trials,
            "checked": len(self.seen),
            "space": [space.plain(one) for one in self.dimensions],
            "refused": [{"point": one.point, "faults": list(one.faults)} for one in self.refused],
        }


def looked_at(words: list[str]) -> Outlook:
    """Return what a sweep would be. Raises ConfigError where it cannot begin."""
    asked = line.sort(words)
    ready = read_settings(asked)
    dimensions = list(asked.space.values())
    sweeper = choose_sweeper(asked, ready, dimensions)
    seen = preflight(asked.fixed, dimensions)
    first, made = first_plan(seen)
    check_pruning(ready, sweeper, first.run)
    if made.run.hardware.num_machines > 1:
        raise ConfigError(
            "a sweep's trials run on one machine each, and this hardware is several; use one of "
            "one machine, for instance hardware=gpu_8x80gb"
        )
    return Outlook(asked, ready, dimensions, sweeper, seen, first, made)


def point_of(verdict: Verdict) -> str:
    """Return a combination as it is typed."""
    return " ".join(f"{key}={text}" for key, text in verdict.point.items())


def _values(one: Dimension) -> str:
    if one.values is not None:
        return ", ".join(one.values)
    return f"{one.text(one.low)} to {one.text(one.high)}{', on a logarithmic scale' * one.log}"
