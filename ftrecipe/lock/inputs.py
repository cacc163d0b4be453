"""What a run reads, by content: data files and model files with their SHA-256; no libraries."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ftrecipe.components.model import Model
from ftrecipe.config import RunConfig, to_plain
from ftrecipe.data.files import digests
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.digest import sha256_of
from ftrecipe.model_folder import CONFIG, GENERATION_CONFIG
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir
from ftrecipe.weights import file_hashes

PATHS = ("path", "validation_path", "test_path", "questions")
ABOUT_MODEL = (CONFIG, GENERATION_CONFIG)


def named_data(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the data that a config names: dotted key → path, of a mix's sources too."""
    found: dict[str, str] = {}
    for group in ("dataset", "eval"):
        found |= dict(_paths(config[group], group))
    return found


def _paths(node: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        dotted = f"{above}.{key}"
        if isinstance(value, Mapping):
            yield from _paths(value, dotted)
        elif key in PATHS and isinstance(value, str):
            yield dotted, value


def data_files(run: RunConfig, group: str = "") -> list[dict[str, Any]]:
    """Return every file that the run's data is read from: key, named, name, sha256.

    Of one `group` those that it names: of `eval`, what is read only to measure.

    An archive is one file. What a server or a hub gives is known by what it says of it: `mark`.
    Raises DataError for a path that is not there.
    """
    endings = {
        part.path: part.endings() for part, _ in run.dataset.parts(list(run.cleaning.values()))
    }
    found: list[dict[str, Any]] = []
    for key, named in named_data(to_plain(run)).items():
        if not key.startswith(group):
            continue
        place = locate(named)
        if isinstance(place, HubId):
            mark = run.dataset.revision or "newest"
            found.append({"key": key, "named": named, "name": named, "mark": mark})
            continue
        for told in digests(place, endings.get(named) or run.dataset.endings()):
            name, _, digest = told.rpartition(" ")
            by = "sha256" if isinstance(place, Path) else "mark"
            found.append({"key": key, "named": named, "name": name, by: digest})
    return found


def model_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of a model folder's weights and of its config, by name."""
    about = [file for name in ABOUT_MODEL if (file := folder / name).is_file()]
    return file_hashes(folder) | sha256_of(about)


def local_model(model: Model) -> dict[str, str] | None:
    """Return the hashes of a model that lies in a folder of this machine, None for others."""
    return model_files(Path(model.source)) if model.path and model.is_local else None


def earlier_files(from_run: str) -> dict[str, str]:
    """Return the hashes of what an earlier run trained."""
    rundir = RunDir(typed(from_run))
    return file_hashes(rundir.adapter if rundir.adapter.is_dir() else rundir.model)
