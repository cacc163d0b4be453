"""A lock, opened to be repeated; and where the files that it names may lie here."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftrecipe.door import recipes
from ftrecipe.errors import ConfigError
from ftrecipe.found import find_run
from ftrecipe.lock import record
from ftrecipe.paths import typed
from ftrecipe.repeat.later import as_trained
from ftrecipe.rundir import RunDir, read_json


@dataclass
class Locked:
    """A lock, and where what it names may lie: the working folder, beside it, its recipe's.

    left_out: suites that were measured later, of files that nobody knows to be the same.
    """

    lock: dict[str, Any]
    file: Path
    runs_dir: str | None = None
    roots: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def open_lock(word: str, place: Path | None = None) -> Locked:
    """Return the lock that a run's folder has, or a file is; its run's folder becomes ours.

    What is no folder or file here is the name of a run in `place`. Raises ConfigError where there
    is none, or where the run never came to train.
    """
    given = typed(word).absolute()
    given = given if given.exists() else find_run(word, place).path.absolute()
    file = RunDir(given).lock_json if given.is_dir() else given
    if given.is_dir() and not file.is_file():
        recipe = RunDir(given).recipe
        instead = f"; its recipe is {recipe}: +recipe={recipe}" if recipe.is_file() else ""
        raise ConfigError(f"{word}: has no lock.json{instead}")
    lock = record.read(file)
    if not lock["complete"]:
        raise ConfigError(f"{word}: this run never came to its first step; start it, or resume it")
    lock, left_out = as_trained(lock)
    found = Locked(lock, file, roots=[Path.cwd(), file.parent], left_out=left_out)
    rundir = RunDir(file.parent)
    if rundir.run.is_file():
        boundary = read_json(rundir.run)
        if Path(boundary["runs_dir"]) in file.parents:  # a folder that was moved has another
            found.runs_dir = boundary["runs_dir"]
        if (working_dir := Path(boundary["working_dir"])).is_dir():
            os.chdir(working_dir)
    found.roots += [folder] if (folder := _recipes_folder(lock["recipe"])) else []
    return found


def _recipes_folder(name: str | None) -> Path | None:
    try:
        return recipes.find(name).parent.absolute() if name else None
    except ConfigError:
        return None
