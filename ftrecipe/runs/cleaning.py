"""What may be removed below a folder of runs: caches nobody points to, scratch, checks of data.

Never a run that trained or measured, nor what one points to, nor what a living process holds.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ftrecipe.amounts import many, size
from ftrecipe.errors import ConfigError
from ftrecipe.flock import is_held, tried
from ftrecipe.folders import shelf
from ftrecipe.lock.shape import misshapen
from ftrecipe.rundir import RunDir
from ftrecipe.runs.listing import in_columns
from ftrecipe.runs.record import CHECK, kind_of, read_values

CACHE, LOCKS, BASELINES = ".cache", "locks", "baseline"
DATA = re.compile(r"\.?([0-9a-f]{16})(\..+)?")  # prepared data, or with a dot what is being made
DAYS = 30
DAY = 86400.0
UNUSED = "prepared data that no run points to"
SCRATCH = "left by a process that is dead"
OLD = "a base measured {days} days ago or more; it is measured again where it is needed"
CHECKED = "a check of data, which trained nothing"


@dataclass(frozen=True)
class Waste:
    """One thing that may go. lock: held while it goes; who cannot have it leaves the thing.

    shared: whether runs that begin meanwhile may come to need it.
    """

    path: Path
    why: str
    bytes: int
    lock: Path
    shared: bool = False


@dataclass(frozen=True)
class Found:
    """What may go below a folder, and what a person should know of what stays."""

    folder: Path
    waste: list[Waste]
    notes: list[str]


def found(folder: Path, days: float = DAYS) -> Found:
    """Look through a folder of runs; nothing is removed."""
    there = shelf(folder)
    going_on = _going_on(there.runs)
    checks = [run for run in there.runs if run not in going_on and _is_check(run)]
    kept = [run for run in there.runs if run not in checks]
    waste = [_waste(run, CHECKED, RunDir(run).lock) for run in checks]
    waste += [one for run in kept if run not in going_on for one in _left_in(RunDir(run))]
    cache, notes = folder / CACHE, []
    if going_on:
        them = "they" if len(going_on) > 1 else "it"
        busy = many(len(going_on), "run")
        notes.append(f"{busy} going on: the cache, which {them} may read, is left alone")
    elif cache.is_dir():
        waste += _of_cache(cache, _pointed(kept), days)
    return Found(folder, [one for one in waste if one.path.exists()], notes)


def remove(found: Found, tell: Callable[[str], object]) -> int:
    """Remove what was found, but for what somebody holds by now; return the bytes."""
    freed = 0
    for one in found.waste:
        with tried(one.lock) as free:
            if not free:
                tell(f"kept      {one.path}: a process holds it by now")
                continue
            if one.shared and _is_needed(one.path, found.folder):
                tell(f"kept      {one.path}: a run began that may need it")
                continue
            try:
                _remove(one.path)
            except OSError as error:
                tell(f"kept      {one.path}: {error.strerror}")
                continue
            freed += one.bytes
        with suppress(OSError):  # the folder of a recipe that was only checked
            one.path.parent.rmdir()
    return freed


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_needed(path: Path, folder: Path) -> bool:
    """Tell whether a run came to need what is shared; whoever takes it has its lock before."""
    runs = shelf(folder).runs
    return bool(_going_on(runs)) or path.name in _pointed(runs)


def lines(found: Found, removed: bool = False) -> list[str]:
    """Return what may go, the largest first, and how much it is."""
    waste = sorted(found.waste, key=lambda one: -one.bytes)
    if not waste:
        return [*found.notes, "nothing to remove"]
    table = {
        "size": [size(one.bytes) for one in waste],
        "what": [str(one.path) for one in waste],
        "why": [one.why for one in waste],
    }
    whole = f"{many(len(waste), 'thing')}, {size(sum(one.bytes for one in waste))}"
    last = "" if removed else "; nothing is removed yet: add --yes"
    return [*in_columns(table), "", *found.notes, f"{whole}{last}"]


def _going_on(runs: list[Path]) -> list[Path]:
    """Return the runs that somebody holds, or may hold: not every lock may be asked."""
    found: list[Path] = []
    for run in runs:
        try:
            found += [run] if is_held(RunDir(run).lock) else []
        except OSError:  # of another user
            found.append(run)
    return found


def _is_check(run: Path) -> bool:
    """Tell a check of data that nobody has marked; of what cannot be read nobody knows."""
    rundir = RunDir(run)
    if run.is_symlink():  # it lies elsewhere, and is not ours to remove
        return False
    with suppress(ConfigError):
        stages = read_values(rundir.run).get("stages")
        marked = rundir.tags.is_file() or rundir.pointers.is_file()
        return isinstance(stages, list) and kind_of(stages) == CHECK and not marked
    return False


def _left_in(rundir: RunDir) -> Iterator[Waste]:
    """Yield what was being written into a run when its process was killed."""
    for place in (rundir.export, rundir.checkpoints):
        for path in sorted(place.glob(".*")) if place.is_dir() else ():
            yield _waste(path, SCRATCH, rundir.lock)


def _of_cache(cache: Path, pointed: set[str], days: float) -> Iterator[Waste]:
    for path in sorted(cache.iterdir()):
        named = DATA.fullmatch(path.name)
        if named is None or not path.is_dir() or path.is_symlink() or path.name in pointed:
            continue
        lock = cache / LOCKS / f"data-{named[1]}"
        if not is_held(lock):
            why = SCRATCH if path.name.startswith(".") else UNUSED
            yield _waste(path, why, lock, shared=True)
    for path in sorted((cache / BASELINES).glob("*.json")):
        if time.time() - path.stat().st_mtime >= days * DAY:
            lock = cache / LOCKS / f"baseline-{path.stem[:16]}"
            yield _waste(path, OLD.format(days=f"{days:g}"), lock, shared=True)


def _pointed(runs: list[Path]) -> set[str]:
    """Return the names of the folders of prepared data that runs point to.

    A name says what is in the folder; its place is another where runs were moved, or where another
    machine sees a shared disk elsewhere. Raises ConfigError for a run that does not say where its
    data is: it might be anywhere.
    """
    found: set[str] = set()
    for run in runs:
        file = RunDir(run).prepared
        known = read_values(file)
        if wrong := misshapen(known, "prepared.json"):
            raise ConfigError([f"{file}: {fault}" for fault in wrong.values()])
        places = [known.get("path"), *(one["path"] for one in known.get("suites", {}).values())]
        found |= {Path(place).name for place in places if place}
    return found


def _waste(path: Path, why: str, lock: Path, shared: bool = False) -> Waste:
    """Weigh a file or a folder; what has another name elsewhere frees nothing."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    stats = [file.stat() for file in files]
    freed = sum(one.st_size for one in stats if one.st_nlink == 1)
    return Waste(path, why, freed, lock, shared)
