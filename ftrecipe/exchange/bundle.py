"""A shared recipe with all that has to come along: parents, files beside it, its lock and card."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ftrecipe.door import recipes as door
from ftrecipe.door.vet import NAME, Recipe, read
from ftrecipe.errors import ConfigError
from ftrecipe.exchange.tree import Tree
from ftrecipe.sealing import texts

MOST = 50  # files that come along with one recipe
LOCK, CARD = "lock.json", "README.md"


@dataclass
class Bundle:
    """What would be written for one recipe, laid out in `root` as the door will find it."""

    root: Path
    name: str  # team/recipe
    files: dict[str, bytes] = field(default_factory=dict)  # below root → content
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of every file."""
        return {name: sha256(data) for name, data in sorted(self.files.items())}

    def add(self, name: str, data: bytes) -> Path:
        """Lay one file out; return where. Two that want the same place are a fault."""
        if self.files.get(name, data) != data:
            self.faults.append(f"{name}: two different files of the source would go there")
        self.files[name] = data
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file


def sha256(data: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def gather(tree: Tree, path: str, team: str, name: str, root: Path, alone: bool = True) -> Bundle:
    """Read the recipe at `path` with all that it needs of its source, and lay it out in `root`.

    One that is `alone` in its folder has a card and a lock by their plain names.
    """
    bundle = Bundle(root, f"{team}/{name}")
    _Gatherer(tree, team, bundle).take(path, name, ())
    if bundle.faults:
        return bundle
    folder = PurePosixPath(path).parent
    for kind, ending in ((LOCK, ".lock.json"), (CARD, ".md")):
        own = [(folder / f"{PurePosixPath(path).stem}{ending}").as_posix()]
        own += [(folder / kind).as_posix()] if alone else []
        found = next((one for one in own if tree.has(one)), None)
        if found is not None:
            bundle.add(f"{team}/{name}{ending}", tree.read(found))
    if len(bundle.files) > MOST:
        bundle.faults.append(f"{path}: brings {len(bundle.files)} files; at most {MOST}")
    return bundle


@dataclass
class _Gatherer:
    """Takes recipes out of one source, a child before its parents."""

    tree: Tree
    team: str
    bundle: Bundle

    def take(self, path: str, name: str, below: tuple[str, ...]) -> None:
        """Take the recipe at `path`, and all that it names."""
        if path in below:
            self.bundle.faults.append(f"{path}: extends itself ({' → '.join([*below, path])})")
            return
        try:
            data = self.tree.read(path)
        except ConfigError as error:
            self.bundle.faults += error.faults
            return
        target = f"{self.team}/{name}.yaml"
        recipe = self._read(target, data)
        if recipe is None:
            return
        for parent in recipe.extends:
            taken = self._parent(path, parent, (*below, path))
            if taken is not None and taken != parent:
                data = _renamed(data, parent, taken)
        self._beside(recipe, PurePosixPath(path).parent)
        self.bundle.files.pop(target, None)
        self.bundle.add(target, data)

    def _read(self, target: str, data: bytes) -> Recipe | None:
        """Vet one recipe's text; its faults are the bundle's."""
        file = self.bundle.add(target, data)
        try:
            recipe = read(target.removesuffix(".yaml"), file)
        except ConfigError as error:
            self.bundle.faults += error.faults
            return None
        self.bundle.faults += recipe.faults
        return recipe

    def _parent(self, path: str, parent: str, below: tuple[str, ...]) -> str | None:
        """Take a parent along; return the name under which it will be found."""
        found = next((one for one in _places(path, parent) if self.tree.has(one)), None)
        if found is not None:
            name = PurePosixPath(parent).name
            self.take(found, name, below)
            return f"{self.team}/{name}"
        try:
            file = door.find(parent)
        except ConfigError:
            self.bundle.faults.append(
                f"{path}: extends {parent}, which is neither in the source nor here; add it first"
            )
            return None
        self.bundle.notes.append(f"extends {parent}, which is here ({file})")
        return parent

    def _beside(self, recipe: Recipe, folder: PurePosixPath) -> None:
        """Take the files along that the recipe names with `recipe:`."""
        here = recipe.file.resolve().parent
        for name in _files_of(recipe, here):
            source = (folder / name).as_posix()
            if not self.tree.has(source):
                continue  # data that stays with who has it: told when the recipe is composed
            try:
                self.bundle.add(f"{self.team}/{name}", self.tree.read(source))
            except ConfigError as error:
                self.bundle.faults += error.faults


def _places(path: str, parent: str) -> Iterator[str]:
    """Yield where a source may have the recipe named `parent`: above the one that names it."""
    for folder in PurePosixPath(path).parents:
        yield (folder / f"{parent}.yaml").as_posix()
    yield f"recipes/{parent}.yaml"


def _files_of(recipe: Recipe, here: Path) -> list[str]:
    """Return the files beside a recipe that it names, relative to it."""
    values = [text for one in recipe.settings for _, text in texts(one.value, "")]
    inside = [Path(text) for text in values if text.startswith(f"{here}/")]
    return sorted({file.relative_to(here).as_posix() for file in inside})


def _renamed(data: bytes, parent: str, name: str) -> bytes:
    """Let a recipe's text name its parent where it will be found."""
    pattern = rf"(/recipe(?:/|\s*:\s*[\"']?)){re.escape(parent)}(?![\w./-])"
    return re.sub(pattern, rf"\g<1>{name}", data.decode("utf-8-sig")).encode()


def check_name(name: str, what: str) -> None:
    """Raise ConfigError for what cannot be the name of a recipe or a team."""
    if not NAME.fullmatch(name) or "/" in name or name.startswith("-"):
        raise ConfigError(
            f"{what} {name!r}: a name is of letters, digits, _, - and ., and begins with a letter, "
            "a digit or _"
        )
