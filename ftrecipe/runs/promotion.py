"""Whether a run may be given a name that others rely on, and giving it."""

from pathlib import Path
from typing import Any

from ftrecipe import pointers
from ftrecipe.errors import ConfigError
from ftrecipe.found import TRAINED, is_result
from ftrecipe.page.words import printable
from ftrecipe.pointers import Event
from ftrecipe.rundir import RunDir
from ftrecipe.runs.record import FAILED, boundary_of, gate_of, read_values
from ftrecipe.state import read_status


def promote(runs: Path, rundir: RunDir, name: str, force: bool = False) -> Event | None:
    """Let a name point to a run; None where it does already.

    Raises ConfigError for a run that lies elsewhere, trained nothing or, unless forced, has not
    finished or failed its gate; what it was forced against is kept.
    """
    pointers.check_name(name)
    try:
        inside = rundir.path.absolute().relative_to(runs.absolute())
    except ValueError:
        raise ConfigError(
            f"{rundir.path} is not below {runs}/, where names are looked for; say where: "
            f"runs_dir=<a folder above the run>"
        ) from None
    if TRAINED not in boundary_of(rundir)["stages"]:
        raise ConfigError(f"{rundir.path}: this run trained nothing, so there is nothing to name")
    against = list(_against(rundir))
    if against and not force:
        raise ConfigError([
            f"{rundir.path}: {one}; if it is to be {name} all the same, add --force"
            for one in against
        ])  # fmt: skip
    return pointers.promote(runs, RunDir(runs / inside), name, against)


def _against(rundir: RunDir) -> list[str]:
    """Return what speaks against relying on a run."""
    status, found = read_status(rundir), []
    if not is_result(status):
        found.append(f"this run has not finished ({status['state']})")
    metrics = read_values(rundir.metrics)
    if gate_of(metrics) == FAILED:
        found.append("this run failed its gate" + _why(metrics["gate"]))
    return found


def _why(gate: dict[str, Any]) -> str:
    """Return the conditions that did not hold, as far as they are told."""
    conditions = [one for one in gate.get("conditions", []) if not one.get("passed", True)]
    told = "; ".join(
        ": ".join(str(one[key]) for key in ("condition", "reason") if one.get(key))
        for one in conditions
    )
    return f" ({printable(told)})" if told else ""
