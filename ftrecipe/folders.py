"""Finds run directories below a folder, by the names of what lies there; it opens no file."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT = "runs"  # where runs are looked for, below the working folder
RUN, SWEEP = "run.json", "sweep.json"


@dataclass(frozen=True)
class Shelf:
    """What lies below a folder: its runs, those of sweeps among them, and the sweeps."""

    folder: Path
    runs: list[Path] = field(default_factory=list)
    sweeps: list[Path] = field(default_factory=list)

    @property
    def alone(self) -> list[Path]:
        """The runs that are no trials of a sweep."""
        sweeps = set(self.sweeps)
        return [run for run in self.runs if run.parent not in sweeps]

    def name(self, folder: Path) -> str:
        """Return a folder's name below this one: `quickstart/2026-11-22_10-00-00`."""
        return folder.relative_to(self.folder).as_posix()


def shelf(folder: Path) -> Shelf:
    """Return what lies below `folder`, which may not be there; no run lies within a run.

    Hidden folders, the cache for instance, hold none; a link to a folder is followed once.
    """
    found = Shelf(folder)
    for path, names in _walk(folder, set()):
        if RUN in names:
            found.runs.append(path)
        elif SWEEP in names:
            found.sweeps.append(path)
    return found


def _walk(folder: Path, followed: set[str]) -> Iterator[tuple[Path, set[str]]]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:  # not there, or not ours to read
        return
    names = {entry.name for entry in entries}
    yield folder, names
    if RUN in names:
        return
    for entry in entries:
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        if entry.is_symlink():
            real = os.path.realpath(entry.path)
            if real in followed or Path(os.path.realpath(folder)).is_relative_to(real):
                continue
            followed.add(real)
        yield from _walk(folder / entry.name, followed)
