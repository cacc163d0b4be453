"""Takes recipes in: gathered from their source, judged by the door, and only then written."""

import difflib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ftrecipe.door.recipes import OWN
from ftrecipe.errors import ConfigError
from ftrecipe.exchange import pins, source
from ftrecipe.exchange.bundle import Bundle, check_name, gather, sha256
from ftrecipe.exchange.judging import Judged, judge
from ftrecipe.exchange.pins import Pin
from ftrecipe.lock import record


@dataclass
class Added:
    """One recipe that would be written, or was: what it is, and what it comes to here."""

    bundle: Bundle
    judged: Judged
    pin: Pin
    states: dict[str, str]  # every file: new, changed, or the same as what is there
    changes: list[str] = field(default_factory=list)  # a diff against what is there

    @property
    def name(self) -> str:
        """The name under which it will run."""
        return self.bundle.name


def add(text: str, team: str, name: str | None, write: bool, force: bool) -> list[Added]:
    """Return the recipes of a source, judged; with `write`, write and pin them.

    Raises ConfigError with all faults of all of them: then nothing is written.
    """
    check_name(team, "--team")
    with source.opened(text) as found, tempfile.TemporaryDirectory(prefix="ftrecipe-") as scratch:
        if name is not None and len(found.recipes) > 1:
            raise ConfigError(f"--as {name}: the source holds {len(found.recipes)} recipes")
        root = Path(scratch).resolve()
        known = pins.read()
        added = [_one(found, path, team, name, root) for path in found.recipes]
        faults = [_placed(fault, root) for one in added for fault in _faults(one, known, force)]
        if faults:
            raise ConfigError(dict.fromkeys(faults))
        if write:
            _write(added, known)
    return added


def _one(found: source.Source, path: str, team: str, name: str | None, root: Path) -> Added:
    name = name or PurePosixPath(path).stem
    check_name(name, "--as")
    bundle = gather(found.tree, path, team, name, root, alone=len(found.recipes) == 1)
    judged = Judged(faults=bundle.faults) if bundle.faults else judge(bundle.name, root)
    judged.needs = [_placed(one, root) for one in judged.needs]
    judged.faults = [*judged.faults, *_lock_faults(bundle)]
    pin = Pin(found.named, found.ref, found.commit, bundle.digests)
    states = {file: _state(file, data) for file, data in sorted(bundle.files.items())}
    return Added(bundle, judged, pin, states, list(_difference(bundle)))


def _lock_faults(bundle: Bundle) -> list[str]:
    """Return what is wrong with the lock that came along."""
    name = f"{bundle.name}.lock.json"
    try:
        if name in bundle.files:
            record.read(bundle.root / name)
    except ConfigError as error:
        return error.faults
    return []


def _state(name: str, data: bytes) -> str:
    here = OWN / name
    if not here.is_file():
        return "new"
    return "same" if here.read_bytes() == data else "changed"


def _difference(bundle: Bundle) -> Iterator[str]:
    """Yield how the recipe differs from the version that is there."""
    name = f"{bundle.name}.yaml"
    here = OWN / name
    if name in bundle.files and here.is_file():
        before = here.read_text("utf-8", errors="replace").splitlines()
        after = bundle.files[name].decode("utf-8", "replace").splitlines()
        yield from difflib.unified_diff(before, after, "here", "source", lineterm="", n=1)


def _faults(one: Added, known: dict[str, Pin], force: bool) -> Iterator[str]:
    yield from one.judged.faults
    if force:
        return
    pinned = {file: digest for pin in known.values() for file, digest in pin.files.items()}
    for file, state in one.states.items():
        here = OWN / file
        if state == "changed" and file not in pinned:
            yield f"{here}: is there already, and was not added; use --as <name>, or --force"
        elif state == "changed" and sha256(here.read_bytes()) != pinned[file]:
            yield f"{here}: was changed here since it was added; --force would lose that"


def _write(added: list[Added], known: dict[str, Pin]) -> None:
    for one in added:
        for name, data in one.bundle.files.items():
            file = OWN / name
            if not file.resolve().is_relative_to(OWN.resolve()):
                raise ConfigError(f"{file}: leads out of {OWN}/, by a link")
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.with_name(f".{file.name}.new")
            fresh.write_bytes(data)
            fresh.replace(file)
        known[one.name] = one.pin
    pins.write(known)


def _placed(text: str, root: Path) -> str:
    """Let a message name the place where a file will be, not where it was looked at."""
    return text.replace(f"{root}/", f"{OWN}/")
