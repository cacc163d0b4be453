"""Reads and writes lock.json, in parts as they become known.

The front writes what was asked for, the worker what it read and computes with, before the first
training step: `complete` says so. What a later start of the same run changes goes to `changed`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftrecipe.config import RunConfig
from ftrecipe.errors import ConfigError
from ftrecipe.lock import shape, surroundings
from ftrecipe.lock.contents import flat
from ftrecipe.rundir import SCHEMA_VERSION, RunDir, now, read_json, write_json
from ftrecipe.secrets import redacted_tree

ASKED = ("name", "recipe", "stages", "choices", "config", "global_batch_size")
AFTERWARDS = (
    "eval",
    "export",
    "fidelity",
    "objective",
    "compare",
    "gate",
    "tracking",
)  # may change once training is over
MEASURED = "data.files"  # what is read only to measure is added to those files later
OF_WORKER = ("data", "model", "tokenizer", "compute", "seeds")  # what a complete lock says too
MOST = 12  # faults of one lock that are told


def begin(rundir: RunDir, boundary: Mapping[str, Any], run: RunConfig, trains: bool = True) -> None:
    """Write what is asked of a run; of one that has a lock, what changes about it.

    Where it no longer `trains`, only what is done afterwards can be something else.
    """
    if "train" not in boundary["stages"]:
        return  # only the data is looked at
    parts: dict[str, Any] = {name: boundary[name] for name in ASKED}
    if not trains:
        if rundir.lock_json.is_file():  # a run from before there were locks gets none
            known = read(rundir.lock_json)["config"]
            later = {key: parts["config"][key] for key in AFTERWARDS}
            add(rundir, config=known | later, stages=parts["stages"])
        return
    add(
        rundir,
        **parts,
        world_size=run.world_size,
        code=surroundings.code(Path(boundary["working_dir"])),
        versions=surroundings.versions(),
        machine=surroundings.machine(),
    )


def add(rundir: RunDir, **parts: Any) -> None:
    """Write `parts` into the lock; what was otherwise in a complete one is kept in `changed`."""
    file = rundir.lock_json
    known: dict[str, Any] = read_json(file) if file.is_file() else {}
    known.pop("schema_version", None)
    parts = redacted_tree(parts)  # as it will be written, so that nothing seems to change
    changed = known.get("changed", [])
    if known.get("complete"):
        changed = [*changed, *_changes(known, parts)]
    write_json(file, {"complete": False} | known | parts | {"changed": changed})


def _changes(known: Mapping[str, Any], parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    at = now()
    found: list[dict[str, Any]] = []
    for name in parts.keys() - {"results", "stages", "complete"}:
        before, after = flat({name: known.get(name)}), flat({name: parts[name]})
        for item in sorted((before.keys() | after.keys()) - {"config.runs_dir"}):
            if before.get(item) != after.get(item):
                was, now_is = before.get(item), after.get(item)
                found.append({"at": at, "item": item, "before": was, "after": now_is})
    return found


def read(file: Path) -> dict[str, Any]:
    """Return a lock.

    Raises ConfigError for a file that is none, is of another version, or has another shape.
    """
    if not file.is_file():
        raise ConfigError(f"{file}: there is no such file; a lock is a run's lock.json")
    lock = read_json(file)
    version = lock.get("schema_version") if isinstance(lock, dict) else None
    if not isinstance(lock, dict) or "config" not in lock:
        raise ConfigError(f"{file}: is not a lock (a run's lock.json)")
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"{file}: a lock of version {json.dumps(version)}, and this ftrecipe reads "
            f"{SCHEMA_VERSION}; use the version that wrote it"
        )
    wrong = shape.faults(lock)
    if lock.get("complete"):
        wrong += [f"the lock lacks {name}" for name in OF_WORKER if name not in lock]
    if wrong:
        raise ConfigError([f"{file}: {fault}" for fault in wrong[:MOST]])
    return lock
