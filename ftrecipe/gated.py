"""What a run's gates have said, as metrics.json keeps it: whether the result may go out by itself.

That of the run judges the trained model, those of its exports what was written of it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ftrecipe.errors import listed
from ftrecipe.rundir import RunDir, hold, read_json, write_json

FAILED = 3  # the exit code of a run that did all it had to, and whose gate failed
WORDS = {True: "passed", False: "failed"}
GATE = "gate.json"  # of an export, in its folder
REJECTED = "rejected"  # the folder, in an export's own, of files that its gate failed
BAD = ("failed", "degraded")  # what an export is that is not what was trained
EXPORTS = "exports"  # the key of metrics.json for what was said of each export


def gate_of(rundir: RunDir) -> dict[str, Any] | None:
    """Return what was judged; None for a run without a gate, or not evaluated yet."""
    return read_json(rundir.metrics).get("gate") if rundir.metrics.is_file() else None


def stops(rundir: RunDir) -> bool:
    """Tell whether the gate failed, and nobody has asked for exports all the same."""
    return _stops(gate_of(rundir))


def _stops(gate: dict[str, Any] | None) -> bool:
    return gate is not None and not gate["passed"] and not gate.get("overruled", False)


def keep(rundir: RunDir, target: str, verdict: str, reasons: list[str]) -> None:
    """Write down what the gate of an export said; what was said of exports that are gone goes."""
    metrics = read_json(rundir.metrics) if rundir.metrics.is_file() else {}
    metrics.pop("schema_version", None)
    known = metrics.get(EXPORTS, {}) | {target: {"verdict": verdict, "reasons": reasons}}
    there = {name: said for name, said in known.items() if (rundir.export / name).is_dir()}
    write_json(rundir.metrics, metrics | {EXPORTS: there})


def kept(folder: Path) -> str | None:
    """Return the worst verdict on the files that are in an export's folder to be used.

    None where the gate rejected all of them; "unknown" where none has looked at them.
    """
    file, rejected = folder / GATE, (folder / REJECTED).is_dir()
    told = read_json(file) if file.is_file() else {}
    return told.get("kept", None if rejected else told.get("verdict", "unknown"))


def exports_of(rundir: RunDir) -> dict[str, dict[str, Any]]:
    """Return by target what the gates of exports said: verdict and reasons."""
    return read_json(rundir.metrics).get(EXPORTS, {}) if rundir.metrics.is_file() else {}


def fails(rundir: RunDir) -> bool:
    """Tell whether a gate says that a result is not to be used: the run's, or one of exports."""
    boundary = read_json(rundir.run)
    config = boundary["config"]
    targets = boundary.get("exports", list(config["export"]))
    return stops(rundir) or export_fails(rundir, targets, bool(config.get("gate")))


def export_fails(rundir: RunDir, targets: Iterable[str], gates: bool) -> bool:
    """Tell whether one of these exports is not what was trained.

    gates: whether the run has a gate, and so asks also for exports without loss.
    """
    known, bad = exports_of(rundir), BAD if gates else BAD[:1]
    return any(known[name]["verdict"] in bad for name in targets if name in known)


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


def made_before(rundir: RunDir, gate: dict[str, Any] | None) -> list[str]:
    """Return half a sentence where exports are there that were made before the gate failed."""
    made = exported(rundir)
    if not _stops(gate) or not made:
        return []
    verb = "was" if len(made) == 1 else "were"
    return [f"failed after {listed(made)} {verb} exported: do not use what has not passed"]


def exported(rundir: RunDir) -> list[str]:
    """Return the exports whose files are there to be used."""
    if not rundir.export.is_dir():
        return []
    folders = sorted(path for path in rundir.export.glob("[!.]*") if path.is_dir())
    return [path.name for path in folders if kept(path) is not None]
