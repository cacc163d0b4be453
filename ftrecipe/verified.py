"""Which hardware and strategies were really run, in tests or by hand; of the rest it is said."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ftrecipe.components.hardware import Device
from ftrecipe.config import GROUPS, RunConfig

TABLE = Path(__file__).resolve().parent / "builtin" / "verified.json"


@dataclass(frozen=True)
class Ran:
    """A strategy on a kind of device, on one machine or several, and where that was run."""

    strategy: str
    device: str
    machines: str  # one or several
    where: str


@cache
def table() -> list[Ran]:
    """Return what was run."""
    return [Ran(**row) for row in json.loads(TABLE.read_text("utf-8"))]


def is_verified(run: RunConfig) -> bool:
    """Tell whether the run's strategy was run on such devices; a CPU where torch decides."""
    strategy = GROUPS["strategy"].name_of(type(run.strategy))
    device = "cpu" if run.hardware.device is not Device.cuda else "cuda"
    machines = "one" if run.hardware.num_machines == 1 else "several"
    return any((r.strategy, r.device, r.machines) == (strategy, device, machines) for r in table())
