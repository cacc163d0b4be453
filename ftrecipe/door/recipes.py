"""The door that recipes enter by: finds a recipe's file and hands Hydra its choices.

Hydra only sees which options a recipe chooses; its values are set afterwards, typed, by compose.
"""

import os
from pathlib import Path

from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from ftrecipe.config import GROUPS, packaged
from ftrecipe.door.vet import FILE_PREFIX, NAME, Recipe, read
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.paths import typed

__all__ = [
    "RecipeSource",
    "file_name",
    "find",
    "given_file",
    "lineage",
    "load",
    "names",
    "open_door",
]


OWN = Path("recipes")  # the one folder of recipes that is ever written


def folders(first: Path | None = None) -> list[Path]:
    """Return where recipes are looked for, first match first; `first` comes before all others."""
    extra = [typed(part) for part in os.environ.get("FTRECIPE_PATH", "").split(os.pathsep) if part]
    found: list[Path] = []
    for folder in [*([first] if first else []), OWN, *extra, packaged("recipes")]:
        if folder.resolve() not in [known.resolve() for known in found]:
            found.append(folder)
    return found


def names() -> list[str]:
    """Return the names of all recipes that can be found, sorted."""
    found = {
        file.relative_to(folder).with_suffix("").as_posix()
        for folder in folders()
        if folder.is_dir()
        for file in folder.rglob("*.yaml")
        if _is_inside(file, folder)
    }
    return sorted(name for name in found if NAME.fullmatch(name))


def find(name: str, first: Path | None = None) -> Path:
    """Return the file of a recipe. Raises ConfigError with the nearest name."""
    if (file := given_file(name)) is not None:
        return file
    if NAME.fullmatch(name):
        for folder in folders(first):
            file = folder / f"{name}.yaml"
            if _is_inside(file, folder):
                return file
    known = names()
    here = Path(f"{name}.yaml")
    lies = NAME.fullmatch(name) and len(name) < 100 and here.is_file()
    hint = f"; did you mean +recipe=./{here}?" if lies else did_you_mean(name, known)
    raise ConfigError(f"recipe={name}: there is no such recipe{hint} (known: {listed(known)})")


def _is_inside(file: Path, folder: Path) -> bool:
    """Tell a file from a folder, and from a link that leads out of the recipes."""
    return file.is_file() and file.resolve().is_relative_to(folder.resolve())


def file_name(file: Path) -> str:
    """Return the name under which a recipe that is given by its file travels through Hydra."""
    return FILE_PREFIX + os.fsencode(file.absolute()).hex()


def given_file(name: str) -> Path | None:
    """Return the file that a name made by `file_name` stands for, None for any other name."""
    digits = name.removeprefix(FILE_PREFIX)
    if digits == name or len(digits) % 2 or set(digits) - set("0123456789abcdef"):
        return None
    return Path(os.fsdecode(bytes.fromhex(digits)))


def load(name: str, first: Path | None = None) -> Recipe:
    """Return the recipe `name` with its faults. Raises ConfigError if it cannot be read."""
    return read(name, find(name, first))


def lineage(name: str, below: tuple[str, ...] = (), first: Path | None = None) -> list[Recipe]:
    """Return the recipes that `name` is made of, each once, the most general first, itself last.

    A parent that cannot be read is a fault of its child. Raises ConfigError if `name` cannot be.
    """
    if name in below:
        raise ConfigError(f"recipe={name}: extends itself ({' → '.join([*below, name])})")
    recipe = load(name, first)
    found: list[Recipe] = []
    for parent in recipe.extends:
        try:
            further = lineage(parent, (*below, name), first)
        except ConfigError as error:
            hint = _beside(recipe.file, parent, first)
            recipe.faults += [f"{recipe.file}: {fault}{hint}" for fault in error.faults]
            recipe.unsure |= set(GROUPS)
        else:
            found += [one for one in further if one.name not in [known.name for known in found]]
    return [*found, recipe]


def _beside(file: Path, parent: str, first: Path | None) -> str:
    """Say how a parent is found that lies beside its child, where recipes are not looked for."""
    if not NAME.fullmatch(parent) or not (file.parent / f"{parent}.yaml").is_file():
        return ""
    known = any((folder / f"{parent}.yaml").is_file() for folder in folders(first))
    return "" if known else f"; it lies beside this one: export FTRECIPE_PATH={file.parent}"


class RecipeSource(ConfigSource):
    """Hydra's view of the recipes: the group `recipe`, each one only its choices."""

    def __init__(self, provider: str, path: str) -> None:
        super().__init__(provider=provider, path=path)

    @staticmethod
    def scheme() -> str:
        """Name the search path entry that this source serves."""
        return "recipe"

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the choices of `recipe/<name>`, and of all it extends, as a defaults list."""
        choices: dict[str, object] = {}
        for recipe in lineage(_name(config_path)):
            if recipe.faults:
                raise ConfigError(recipe.faults)
            choices |= recipe.choices
        chosen = [{f"override /{group}": option} for group, option in choices.items()]
        return ConfigResult(
            config=OmegaConf.create({"defaults": chosen}),
            path=f"{self.scheme()}://{self.path}",
            provider=self.provider,
            header={"package": "_global_"},
        )

    def available(self) -> bool:
        """Tell Hydra that the source can be used."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Tell whether the path is the group itself."""
        return config_path.strip("/") in ("", "recipe")

    def is_config(self, config_path: str) -> bool:
        """Tell whether the path is a recipe that can be found."""
        if not config_path.startswith("recipe/"):
            return False
        try:
            return find(_name(config_path)).is_file()
        except ConfigError:
            return False

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List the recipes."""
        return names() if config_path.strip("/") == "recipe" else []


def _name(config_path: str) -> str:
    return config_path.removeprefix("recipe/").removesuffix(".yaml")


def open_door() -> None:
    """Make the source known to Hydra."""
    Plugins.instance().register(RecipeSource)
