"""Rules on earlier runs that a run is held against, and on code in what suites read."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ftrecipe.baselines import name_of
from ftrecipe.config import RunConfig, from_plain
from ftrecipe.errors import ConfigError
from ftrecipe.foreign import code_faults, pickle_faults
from ftrecipe.found import find_run
from ftrecipe.paths import typed
from ftrecipe.rules.register import rule
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.state import known_status


@rule
def _earlier_runs(run: RunConfig) -> Iterator[str]:
    """Check that each earlier run is there, trained, and can be loaded here."""
    for name, count in Counter(map(name_of, run.compare.against)).items():
        if count > 1:
            yield f"compare.against: two runs are called {name}; name each run once"
    for named in run.compare.against:
        try:
            faults = list(_faults(find_run(named, typed(run.runs_dir)), run.consent.remote_code))
        except ConfigError as error:
            faults = error.faults
        yield from (f"compare.against=[{named}]: {fault}" for fault in faults)


def _faults(rundir: RunDir, consent: bool) -> Iterator[str]:
    """Yield why an earlier run's model cannot be asked."""
    boundary = read_json(rundir.run)
    results = [folder for folder in (rundir.model, rundir.adapter) if folder.is_dir()]
    if "train" not in known_status(rundir)["done"] or not results or not rundir.base.is_file():
        yield "nothing is trained there yet; resume that run first"
        return
    if boundary["config"]["consent"]["remote_code"] and not consent:
        yield (
            "that run runs code of its model's author; if you trust it, say "
            "consent.remote_code=true on the command line"
        )
    for folder in results:
        for fault in (*code_faults(folder, consent), *pickle_faults(folder)):
            yield f"{folder.name}/: {fault}"
    if not rundir.model.is_dir():
        yield from _base_faults(rundir, boundary, consent)


def _base_faults(rundir: RunDir, boundary: dict[str, Any], consent: bool) -> Iterator[str]:
    """Yield what is wrong with the base that an adapter stands on."""
    before = from_plain(boundary["config"]).model
    if before.from_run is not None:
        earlier = RunDir(_from(boundary, before.from_run))
        if not earlier.base.is_file():
            yield f"it went on from {before.from_run}, which is gone"
            return
    path = read_json(rundir.base)["path"]
    folder = _from(boundary, path)
    if folder.is_dir():
        for fault in (*code_faults(folder, consent), *pickle_faults(folder)):
            yield f"its base {path}: {fault}"
        return
    try:
        _is_local = type(before)(path=path).is_local  # raises where there is none
    except ConfigError as error:
        yield f"its base is gone: {'; '.join(error.faults)}"


def _from(boundary: dict[str, Any], path: str) -> Path:
    """Return a folder as that run named it, from the folder that it worked in."""
    return Path(boundary["working_dir"]) / typed(path)


@rule
def _no_code_in_suites(run: RunConfig) -> Iterator[str]:
    if run.consent.remote_code:
        return
    for name, suite in run.eval.items():
        for fault in suite.foreign():
            yield (
                f"eval.{name}.{fault}: this would run code here; read it, and if you trust it say "
                "consent.remote_code=true on the command line"
            )
