"""A run as one side of a comparison: its lock, or as much of one as there is, and its results."""

from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.lock import record
from ftrecipe.lock.results import results
from ftrecipe.rundir import RunDir, read_json


def side(rundir: RunDir) -> dict[str, Any]:
    """Return a run's lock, with what came of it so far; of a run without one, its config."""
    if rundir.lock_json.is_file():
        return {**record.read(rundir.lock_json), "results": results(rundir)}
    return {**config_side(rundir), "results": results(rundir)}


def config_side(rundir: RunDir) -> dict[str, Any]:
    """Return a run's lock without what came of it, which takes hashing; or its config alone."""
    if rundir.lock_json.is_file():
        return record.read(rundir.lock_json)
    if not rundir.run.is_file():
        raise ConfigError(f"{rundir.path} is not a run directory (it has no run.json)")
    return {"config": read_json(rundir.run)["config"]}
