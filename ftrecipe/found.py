"""Which run is meant: a folder, `name@stage`, a recipe's newest run, or how a folder begins."""

import datetime
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.folders import DEFAULT, Shelf, shelf
from ftrecipe.paths import typed
from ftrecipe.pointers import known, read_all
from ftrecipe.rundir import RunDir
from ftrecipe.state import known_status

PLACE = "runs_dir="
LATEST = "latest"
TRAINED = "train"  # the stage that gives a run its result
MOST = 8  # candidates that are told
WHOLE = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d$")


class NoSuchRun(ConfigError):  # noqa: N818 - as it reads
    """Nothing here is called that."""


def find_run(name: str, runs_dir: Path | None = None) -> RunDir:
    """Return the run that a person, a recipe or another run names.

    In this order: a run's folder; `name@stage`, as promoted; `recipe` or `recipe/latest`, its
    newest finished run; a folder below `runs_dir` (`runs` if None), or the beginning of just one.
    Raises ConfigError with the candidates where several are meant, or with the nearest for none.
    """
    path, runs = typed(name), typed(DEFAULT) if runs_dir is None else runs_dir
    if not name.strip():
        raise NoSuchRun(
            "a run has no name; write its folder, or a name such as support-bot@production"
        )
    if RunDir(path).run.is_file():
        return RunDir(path)
    if "@" in name and "/" not in name:
        return RunDir(_pointed(name, runs))
    there = shelf(runs)
    wanted = _below(path, name, runs)
    recipe = wanted.removesuffix(f"/{LATEST}")
    siblings = [run for run in there.alone if there.name(run.parent) == recipe]
    if siblings:
        return RunDir(_newest(recipe, siblings))
    return RunDir(_beginning(name, wanted, there))


def looked_in(words: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Return the folder of `runs_dir=…` in a verb's words, None for none, and the other words."""
    given = [word for word in words if word.startswith(PLACE)]
    place = typed(given[-1].removeprefix(PLACE)) if given else None
    return place, [word for word in words if word not in given]


def seconds_of(text: str | None) -> float | None:
    """Return a written time as seconds since 1970, None for none."""
    try:
        return None if text is None else datetime.datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        return None


def _pointed(name: str, runs: Path) -> Path:
    pointer = known(read_all(shelf(runs)), name, runs)
    if pointer.run is None:
        raise ConfigError(
            f"{name}: the run that it points to is gone: {listed(pointer.gone, MOST)}; point it to "
            f"another: python -m ftrecipe runs promote RUN {name}"
        )
    if pointer.gone:
        print(
            f"note: {name}: {listed(pointer.gone, MOST)} is gone; {pointer.run} is the one before",
            file=sys.stderr,
        )
    return pointer.run


def _below(path: Path, name: str, runs: Path) -> str:
    """Return what is named as below the folder of runs, with which it may begin."""
    if path.absolute().is_relative_to(runs.absolute()):
        return path.absolute().relative_to(runs.absolute()).as_posix()
    return name.strip("/")


def _newest(recipe: str, runs: Sequence[Path]) -> Path:
    known = {run: known_status(RunDir(run)) for run in runs}
    finished = [run for run, status in known.items() if is_result(status)]
    if not finished:
        states = listed([f"{run.name} {known[run]['state']}" for run in reversed(runs)], MOST)
        raise ConfigError(f"{recipe}: none of its runs has finished training ({states})")
    return max(finished, key=lambda run: (seconds_of(known[run]["started"]) or 0.0, run.name))


def is_result(status: Mapping[str, Any]) -> bool:
    """Tell whether a run of this status has finished, and trained something."""
    return status["state"] == "finished" and TRAINED in status["done"]


def _beginning(name: str, wanted: str, there: Shelf) -> Path:
    """Return the one run whose folder begins in this way."""
    names = {there.name(run): run for run in there.runs}
    found = [one for one in names if wanted and (one == wanted or _begins(one, wanted))]
    if wanted in found or len(found) == 1:
        return names[wanted if wanted in found else found[0]]
    if found:
        raise ConfigError(f"{name}: which of {len(found)} runs? {listed(found, MOST)}")
    path = typed(name)
    if path.is_dir() or ("/" in name and path.parent.is_dir()):
        beside = [one.name for one in path.parent.iterdir()]
        hint = "" if path.is_dir() else did_you_mean(path.name, beside)
        raise NoSuchRun(f"{path} is not a run directory (it has no run.json){hint}")
    known_as = {*names, *(there.name(run.parent) for run in there.alone), *_pointers(there)}
    raise NoSuchRun(
        f"{name} is not a run directory, and no run in {there.folder}/ is called that"
        f"{did_you_mean(name, known_as)} (python -m ftrecipe runs lists them)"
    )


def _begins(folder: str, wanted: str) -> bool:
    """Tell whether a folder's name begins with whole parts: 2026-11-22 does, and 2026-11-2 not.

    A whole time is no beginning: that run is gone, and the next one of its second is another.
    """
    whole = WHOLE.search(wanted) is not None
    return not whole and folder.startswith(wanted) and not folder[len(wanted)].isalnum()


def _pointers(there: Shelf) -> list[str]:
    try:
        return list(read_all(there))
    except ConfigError:  # a hint needs no name that cannot be read
        return []
