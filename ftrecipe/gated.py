"""What a run's gate has said, as metrics.json keeps it: whether the result may go out by itself."""

from typing import Any

from ftrecipe.rundir import RunDir, hold, read_json, write_json

FAILED = 3  # the exit code of a run that did all it had to, and whose gate failed
WORDS = {True: "passed", False: "failed"}


def gate_of(rundir: RunDir) -> dict[str, Any] | None:
    """Return what was judged; None for a run without a gate, or not evaluated yet."""
    return read_json(rundir.metrics).get("gate") if rundir.metrics.is_file() else None


def stops(rundir: RunDir) -> bool:
    """Tell whether the gate failed, and nobody has asked for exports all the same."""
    gate = gate_of(rundir)
    return gate is not None and not gate["passed"] and not gate.get("overruled", False)


def overrule(rundir: RunDir) -> bool:
    """Keep that a person asked for exports in spite of the gate; tell whether it had failed."""
    if not stops(rundir):
        return False
    with hold(rundir):
        metrics = read_json(rundir.metrics)
        metrics["gate"]["overruled"] = True
        metrics.pop("schema_version", None)
        write_json(rundir.metrics, metrics)
    return True


def lines(gate: dict[str, Any]) -> list[str]:
    """Return the verdict for people: of each condition whether it is met, and why."""
    told = [
        f"gate      {WORDS[one['passed']]}  {one['condition']}: {one['reason']}"
        for one in gate["conditions"]
    ]
    if not gate["passed"] and gate.get("overruled"):
        told.append("gate      failed, and exported all the same, because it was asked for")
    return told
