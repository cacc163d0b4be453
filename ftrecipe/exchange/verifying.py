"""Keeps recipes true to what was taken in: their hashes, what they come to, and their lock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from ftrecipe.config import to_plain
from ftrecipe.door.recipes import OWN, find
from ftrecipe.errors import ConfigError
from ftrecipe.exchange import pins, places
from ftrecipe.exchange.bundle import sha256
from ftrecipe.exchange.judging import Judged, judge
from ftrecipe.exchange.pins import Pin
from ftrecipe.lock import record, surroundings
from ftrecipe.secrets import redacted_tree

# What a machine, a folder or a person decides, and no recipe.
OF_THE_PLACE = ("hardware", "strategy", "runs_dir", "consent", "description", "tracking")
# The same rows a step, on another number of devices.
OF_THE_DEVICES = {
    "trainer.per_device_train_batch_size", "trainer.gradient_accumulation_steps",
    "trainer.global_batch_size", "trainer.auto_batch_size",
}  # fmt: skip


@dataclass
class Verified:
    """What was found of one recipe; it is as it should be where there are no faults."""

    name: str
    pinned: bool
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(names: list[str]) -> list[Verified]:
    """Verify the recipes named, else all that were added. Raises ConfigError for unknown names."""
    known = pins.read()
    for name in names:
        find(name)
    return [_one(name, known.get(name)) for name in names or sorted(known)]


def _one(name: str, pin: Pin | None) -> Verified:
    found = Verified(name, pin is not None)
    if pin is not None:
        found.faults += _changed(name, pin)
    judged = judge(name, shared=pin is not None)
    found.faults += judged.faults
    found.notes += [f"needs {need}" for need in judged.needs]
    lock = find(name).with_suffix(".lock.json") if not judged.faults else OWN / "none"
    if lock.is_file():
        try:
            _against(record.read(lock), judged, str(lock), found)
        except ConfigError as error:
            found.faults += error.faults
    return found


def _changed(name: str, pin: Pin) -> Iterator[str]:
    """Yield the files that are not what was taken in."""
    team, _, leaf = name.rpartition("/")
    source = PurePath(pin.source)
    renamed = f" --as {leaf}" if source.suffix == ".yaml" and source.stem != leaf else ""
    again = f"to take it again: recipes add {pin.source} --team {team}{renamed} --yes --force"
    for file, digest in pin.files.items():
        here = OWN / file
        if not here.is_file():
            yield f"{here}: is gone; {again}"
        elif (now := sha256(here.read_bytes())) != digest:
            yield (
                f"{here}: is not what was added ({digest[:12]} then, {now[:12]} now); keep your "
                f"changes in a recipe of your own that extends {name}, or {again}"
            )


def _against(lock: Mapping[str, Any], judged: Judged, where: str, found: Verified) -> None:
    """Compare what the recipe comes to here with what its run was, and the versions of both."""
    if judged.composition is not None:
        run = judged.composition.run if judged.plan is None else judged.plan.run
        now = redacted_tree(to_plain(run))
        for key, before, after in _different(lock["config"], now):
            found.faults.append(
                f"{key}: was {before!r} in the run of {where} and is {after!r} now; this version "
                "of ftrecipe has another default, or the recipe was changed"
            )
    here = surroundings.versions()
    for package, version in sorted(lock["versions"].items()):
        if here.get(package) != version:
            found.notes.append(f"{package} was {version} and is {here.get(package) or 'missing'}")


def _different(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the values of two configs that differ; a file may lie elsewhere under its name."""
    was, now = (record.flat({k: v for k, v in one.items() if k not in OF_THE_PLACE})
                for one in (before, after))  # fmt: skip
    for key in sorted((was.keys() | now.keys()) - OF_THE_DEVICES):
        if was.get(key) != now.get(key) and not _is_same_file(key, was.get(key), now.get(key)):
            yield key, was.get(key), now.get(key)


def _is_same_file(key: str, was: Any, now: Any) -> bool:
    if key.rpartition(".")[2] not in places.KEYS or not (
        isinstance(was, str) and isinstance(now, str)
    ):
        return False
    return PurePath(was.removeprefix("recipe:")).name == PurePath(now).name
