"""What a run knows that belongs on a model card, as plain values; what it does not is None."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftrecipe.components.cleaning import Cleaning
from ftrecipe.components.dataset import Dataset
from ftrecipe.components.export import GROUP, Export, Usage
from ftrecipe.config import RunConfig
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.errors import DataError
from ftrecipe.gated import GATE
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.card.licenses import License, of_data, of_model
from ftrecipe.stages.page.story import Story, read_story
from ftrecipe.stages.page.usage import asking

HERE = "."  # the folder that the card is in, or the id under which it was pushed


@dataclass(frozen=True)
class Data:
    """One source of the training data. hub_id: None for files."""

    name: str
    format: str
    license: License | None
    hub_id: str | None = None
    read: int | None = None
    used: int | None = None


@dataclass(frozen=True)
class Facts:
    """What is on the card.

    base: how the base is called. base_id: its hub id, None for a folder. languages: those that
    cleaning kept, empty where nobody looked. hides: the cleaning steps that hide personal data.
    gate: what the gate of this export found, by its target; empty before it has judged.
    """

    run: RunConfig
    target: Export
    story: Story
    base: str
    base_id: str | None
    license: License | None
    data: list[Data]
    languages: list[str]
    hides: list[str]
    versions: dict[str, str]
    usages: list[Usage]
    gate: dict[str, dict[str, Any]]


def read_facts(run: RunConfig, rundir: RunDir, target: Export, folder: Path) -> Facts:
    """Read them from the files of a run, for the card of a target that lies in `folder`."""
    story, found = read_story(run, rundir), folder / GATE
    tuned = read_json(rundir.base) if rundir.base.is_file() else {}
    path = tuned.get("path") or run.model.path or ""
    revision = tuned.get("revision") or run.model.revision
    local = path.startswith("builtin:") or typed(path).is_dir() or not path
    steps = list(_steps(run))
    lock = read_json(rundir.lock_json) if rundir.lock_json.is_file() else {}
    return Facts(
        run=run,
        target=target,
        story=story,
        base=Path(path.removeprefix("builtin:")).name if local else path,
        base_id=None if local else path,
        license=of_model(path, revision) if path else None,
        data=[_data(part, story) for part, _ in run.dataset.parts(list(run.cleaning.values()))],
        languages=list(dict.fromkeys(code for step in steps for code in step.languages())),
        hides=[step.name() for step in steps if type(step).mask is not Cleaning.mask],
        versions=lock.get("versions") or {},
        usages=target.usage(asking(run, rundir, folder, HERE)),
        gate={GROUP.name_of(type(target)): read_json(found)} if found.is_file() else {},
    )


def _steps(run: RunConfig) -> Iterator[Any]:
    seen: list[Any] = []
    for _, steps in run.dataset.parts(list(run.cleaning.values())):
        for step in steps:
            if step not in seen:
                seen.append(step)
                yield step


def _data(part: Dataset, story: Story) -> Data:
    path = part.path or ""
    report = story.data or {}
    counted = next((one for one in report.get("sources", []) if one["path"] == path), {})
    hub = _hub_id(path)
    return Data(
        name=path if hub or _is_public(path) else Path(path).name,
        format=str(counted.get("format") or part.name()),
        license=of_data(path, part.revision),
        hub_id=hub,
        read=counted.get("rows_read"),
        used=counted.get("rows_used"),
    )


def _is_public(path: str) -> bool:
    """Tell a name that means the same everywhere: an address, or a file that ships with us."""
    return "://" in path.removeprefix("file://") or path.startswith("builtin:")


def _hub_id(path: str) -> str | None:
    try:
        found = locate(path)
    except DataError:  # a file that is no longer there has no id either
        return None
    return found.name if isinstance(found, HubId) else None
