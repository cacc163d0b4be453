"""What is told before a run is repeated: inputs that are not its own, and what else differs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftrecipe.config import RunConfig, to_plain
from ftrecipe.errors import listed
from ftrecipe.lock import inputs, surroundings
from ftrecipe.lock.contents import config_of, files_of, flat
from ftrecipe.lock.outcome import Item, conditions, mapped
from ftrecipe.lock.record import AFTERWARDS, MEASURED
from ftrecipe.repeat.found import PLACES
from ftrecipe.repeat.planned import OWN

# What may change once a run is trained, and the files that are read for it.
LATER = (*(f"config.{name}" for name in AFTERWARDS), MEASURED)


def here() -> dict[str, Any]:
    """Return what a repetition would happen in, as far as it is known without torch."""
    return {
        "versions": surroundings.versions(),
        "machine": surroundings.machine(),
        "code": surroundings.code(Path.cwd()),
    }


def before(lock: Mapping[str, Any], run: RunConfig, compared: list[Item]) -> list[str]:
    """Return the lines that say what differs here, and what is the same."""
    items = [*compared, *conditions(lock, here())]
    same = [item.name for item in items if item.same]
    return [
        *(f"note      {note}" for note in history(lock)),
        *(f"differs   {change}" for change in changes(lock, run)),
        *(f"differs   {item.name}: {item.told}" for item in items if item.same is False),
        f"the same  {', '.join(same) if same else 'nothing that can be known before'}",
        f"threads   {lock['compute']['threads']}, as then",
    ]


def compared(lock: Mapping[str, Any], run: RunConfig) -> list[Item]:
    """Compare the data and the base with the lock's, by content, before anything starts.

    A base on a hub is asked for by its commit, and compared once it is there.
    """
    now = {"data": {"files": inputs.data_files(run)}}
    found = [mapped("data files", files_of(lock), files_of(now), "file")]
    before = lock["model"]
    if run.model.from_run:
        files = inputs.earlier_files(run.model.from_run)
        found.append(mapped("earlier run", before["from_run"] or {}, files, "file"))
    elif (files := inputs.local_model(run.model)) is not None:
        found.append(mapped("base weights", before["files"], files, "file"))
    return found


def changes(lock: Mapping[str, Any], run: RunConfig) -> list[str]:
    """Return what the repetition is asked to do otherwise than the run did, places apart."""
    before = flat(config_of(lock))
    now = flat(to_plain(run))
    silent = {"model.revision", "description", *OWN}
    return [
        f"{key} {before.get(key)} → {now.get(key)}"
        for key in {**before, **now}
        if before.get(key) != now.get(key)
        and key not in silent
        and key.rpartition(".")[2] not in PLACES
        and not key.startswith(("tracking.", "consent."))
    ]


def history(lock: Mapping[str, Any]) -> list[str]:
    """Return what keeps the lock from being compared: the run did not end, or was changed."""
    told: list[str] = []
    items = list(dict.fromkeys(change["item"] for change in lock["changed"]))
    after = [item for item in items if item.startswith(LATER)]
    if during := [item for item in items if item not in after]:
        told.append(f"the run was changed while it went on: {listed(during, 6)}")
    if after:
        groups = dict.fromkeys(item.split(".")[1] for item in after if item != MEASURED)
        told.append(
            f"after its training the run was given another {listed(list(groups))}; "
            "the repetition takes what it had last"
        )
    if "results" not in lock:
        told.append("the run did not come to its end: there are no losses to compare with")
    if lock["compute"]["device_type"] == "cuda" and not lock["compute"]["deterministic"]:
        told.append(
            "the run was on a GPU without deterministic algorithms (trainer.extra."
            "full_determinism=true): its losses need not come back bit by bit"
        )
    return told
