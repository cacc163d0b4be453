"""What a shared recipe comes to here: all its faults, what it needs, and what it reaches."""

import os
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from ftrecipe import plan as planning
from ftrecipe import rules
from ftrecipe.components.model import looks_like_hub_id
from ftrecipe.compose import Composition, compose_layers
from ftrecipe.config import RunConfig
from ftrecipe.door import recipes as door
from ftrecipe.door.vet import Recipe
from ftrecipe.errors import ConfigError
from ftrecipe.exchange import places
from ftrecipe.plan import Plan
from ftrecipe.sealing import PROSE, texts, variable
from ftrecipe.secrets import REDACTED, redacted


@dataclass
class Judged:
    """One recipe, composed as far as it can be without data that is not here."""

    lineage: list[Recipe] = field(default_factory=list)
    composition: Composition | None = None
    plan: Plan | None = None
    faults: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)


def judge(name: str, first: Path | None = None, shared: bool = True) -> Judged:
    """Compose and plan the recipe `name`; `first` is a folder to find it in before all others.

    One that is `shared` may name no place outside. Data and models that lie elsewhere are no
    fault: they are what the recipe `needs`.
    """
    judged = Judged()
    try:
        judged.lineage = door.lineage(name, first=first)
    except ConfigError as error:
        judged.faults += error.faults
        return judged
    judged.faults += [fault for recipe in judged.lineage for fault in recipe.faults]
    if shared:
        judged.faults += [fault for recipe in judged.lineage for fault in outside(recipe)]
    if judged.faults:
        return judged
    missing = dict(_missing(judged.lineage))
    judged.needs += [
        f"{key}={redacted(place)}: put your copy there, or set it" for key, place in missing.items()
    ]
    sealed = dict(_sealed(judged.lineage))
    judged.needs += [
        f"export {name}=<the whole of {text}>"
        for name, text in sealed.items()
        if name not in os.environ
    ]
    told: list[str] = []

    def weigh(run: RunConfig, audit_only: bool, written: Set[str]) -> None:
        try:
            rules.check(run, audit_only, written)
        except ConfigError as error:
            told.extend(error.faults)

    try:
        judged.composition = compose_layers(
            judged.lineage, name, judge=weigh, environment=sealed | os.environ
        )
    except ConfigError as error:
        told += error.faults
    judged.faults += [fault for fault in told if not _is_about(fault, missing)]
    if judged.composition is not None and not told:
        judged.plan = planning.make(judged.composition, here=False, counts=False)
    return judged


def outside(recipe: Recipe) -> Iterator[str]:
    """Yield the places that a recipe names and that no other machine has, or should open."""
    here = f"{recipe.file.resolve().parent}/"
    for setting in recipe.settings:
        for key, place in places.named({setting.key: setting.value}):
            if places.is_outside(place) and not place.startswith(here):
                yield (
                    f"{setting.source}: {key}={redacted(place)} is a place of its author's "
                    "machine; a shared recipe names recipe:<file beside it>, builtin:<name>, a "
                    "path below the working folder, a hub id or a URL"
                )


def _sealed(lineage: list[Recipe]) -> Iterator[tuple[str, str]]:
    """Yield the values that were shared without their secrets, by the variable to give them in."""
    for recipe in lineage:
        for setting in recipe.settings:
            for key, text in texts(setting.value, setting.key):
                if REDACTED in text and key not in PROSE:
                    yield variable(key), text


def _missing(lineage: list[Recipe]) -> Iterator[tuple[str, str]]:
    """Yield the places of the recipes that are not here, by key; the last to name a key wins."""
    last = {
        key: place
        for recipe in lineage
        for setting in recipe.settings
        for key, place in places.named({setting.key: setting.value})
    }
    yield from ((key, place) for key, place in last.items() if places.is_missing(key, place))


def _is_about(fault: str, missing: dict[str, str]) -> bool:
    """Tell whether a fault says no more than that a missing place is missing."""
    return any(place in fault for place in missing.values())


def reaches(composition: Composition) -> list[str]:
    """Return what a run of it would ask of other machines."""
    found = []
    for key, place in places.named(composition.differences):
        if places.is_url(place):
            found.append(f"{key} reads or writes {redacted(place)}")
    model = composition.run.model
    if model.path and not model.is_local and looks_like_hub_id(model.path):
        found.append(f"model.path takes {model.path} from the hub")
    package = composition.run.tracking.package
    if package:
        found.append(f"tracking goes through {package}")
    return found
