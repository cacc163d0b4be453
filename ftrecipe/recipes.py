"""The door that recipes enter by: finds a recipe's file, vets its text, and hands Hydra its choices.

Hydra only sees which options a recipe chooses; its values are set afterwards, typed, by compose.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from omegaconf import OmegaConf
from omegaconf._utils import get_yaml_loader

from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.errors import ConfigError, did_you_mean, listed

PACKAGE = Path(__file__).resolve().parent
LARGEST = 256 * 1024  # bytes; a recipe is a page, not a data file
FILE_PREFIX = "file."  # a recipe given by its path travels through Hydra as file.<hex of path>
NEVER = ("consent", "hydra")
KEYS = tuple(item.name for item in fields(RunConfig) if item.name not in NEVER)


@dataclass
class Setting:
    """One value asked for, and where: `peft.r = 8` from `recipes/x.yaml line 7`."""

    path: tuple[str, ...]
    value: Any
    source: str

    @property
    def key(self) -> str:
        """Return the dotted key."""
        return ".".join(self.path)


@dataclass
class Recipe:
    """One vetted recipe: what it extends, the options it chooses, the values it sets."""

    name: str
    file: Path
    text: str
    extends: list[str] = field(default_factory=list)
    choices: dict[str, Any] = field(default_factory=dict)
    settings: list[Setting] = field(default_factory=list)
    description: str = ""


def packaged(folder: str) -> Path:
    """Return conf/ or recipes/: beside the package in a checkout, inside it in a wheel."""
    beside = PACKAGE.parent / folder
    return beside if (beside.parent / "pyproject.toml").is_file() else PACKAGE / folder


def folders() -> list[Path]:
    """Return where recipes are looked for, first match first."""
    extra = [Path(part) for part in os.environ.get("FTRECIPE_PATH", "").split(os.pathsep) if part]
    found: list[Path] = []
    for folder in [Path("recipes"), *extra, packaged("recipes")]:
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
    }
    return sorted(found)


def find(name: str) -> Path:
    """Return the file of a recipe. Raises ConfigError with the nearest name."""
    if name.startswith(FILE_PREFIX):
        return Path(bytes.fromhex(name.removeprefix(FILE_PREFIX)).decode())
    for folder in folders():
        file = folder / f"{name}.yaml"
        if file.is_file() and file.resolve().is_relative_to(folder.resolve()):
            return file
    known = names()
    hint = did_you_mean(name, known)
    raise ConfigError(f"recipe={name}: there is no such recipe{hint} (known: {listed(known)})")


@cache
def load(name: str) -> Recipe:
    """Return the recipe `name`, vetted. Raises ConfigError with every fault and its line."""
    file = find(name)
    if not file.is_file():
        raise ConfigError(f"recipe={file}: there is no such file")
    if file.stat().st_size > LARGEST:
        raise ConfigError(f"{file}: larger than {LARGEST // 1024} KiB, so it is no recipe")
    text = file.read_text(encoding="utf-8")
    return _Reader(Recipe(name, file, text)).read()


def lineage(name: str, below: tuple[str, ...] = ()) -> list[Recipe]:
    """Return the recipes that `name` is made of, the most general first, itself last."""
    if name in below:
        raise ConfigError(f"recipe={name}: extends itself ({' → '.join([*below, name])})")
    recipe = load(name)
    parents = [one for parent in recipe.extends for one in lineage(parent, (*below, name))]
    return [*parents, recipe]


class _Reader:
    """Turns one recipe's YAML tree into a Recipe, gathering faults with their lines."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.faults: list[str] = []

    def read(self) -> Recipe:
        root = self._tree()
        for key, node in self._pairs(root):
            if key == "defaults":
                self._defaults(node)
            elif key in KEYS:
                self._values((key,), node)
            else:
                self._unknown(key, node)
        if self.faults:
            raise ConfigError(self.faults)
        return self.recipe

    def _tree(self) -> yaml.MappingNode:
        try:
            events = yaml.parse(self.recipe.text, Loader=yaml.SafeLoader)
            for event in events:
                if isinstance(event, yaml.AliasEvent):
                    raise ConfigError(f"{self._at(event)}: anchors and aliases are not allowed")
            root = yaml.compose(self.recipe.text, Loader=get_yaml_loader())
        except yaml.YAMLError as error:
            raise ConfigError(f"{self.recipe.file}: not valid YAML: {_one_line(error)}") from None
        if not isinstance(root, yaml.MappingNode):
            raise ConfigError(f"{self.recipe.file}: a recipe is a mapping of keys to values")
        return root

    def _at(self, node: Any) -> str:
        return f"{self.recipe.file} line {node.start_mark.line + 1}"

    def _pairs(self, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                self.faults.append(f"{self._at(key)}: {key.value} is given twice")
            seen.add(key.value)
            yield str(key.value), value

    def _unknown(self, key: str, node: yaml.Node) -> None:
        if key == "consent":
            why = "consent is given on the command line, never in a recipe"
        elif key == "hydra":
            why = "a recipe may not set hydra's own keys"
        else:
            why = f"{key} is not a key{did_you_mean(key, KEYS)} (known: {listed(KEYS)})"
        self.faults.append(f"{self._at(node)}: {why}")

    def _defaults(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.SequenceNode):
            self.faults.append(f"{self._at(node)}: defaults is a list")
            return
        for item in node.value:
            self._default(item, _construct(item))

    def _default(self, node: yaml.Node, item: Any) -> None:
        if item == "_self_":
            return
        if isinstance(item, str) and item.startswith("/recipe/"):
            self.recipe.extends.append(item.removeprefix("/recipe/"))
            return
        if isinstance(item, dict) and len(item) == 1:
            key, option = next(iter(item.items()))
            group = re.sub(r"^override\s+/?", "", key)
            if key.startswith("override") and group in GROUPS:
                self.recipe.choices[group] = option
                return
            if key == "/recipe":
                self.recipe.extends.append(str(option))
                return
        self.faults.append(
            f"{self._at(node)}: a recipe's defaults may hold `override /<group>: <option>` "
            f"(groups: {', '.join(GROUPS)}) and `/recipe/<name>`, not {item!r}"
        )

    def _values(self, path: tuple[str, ...], node: yaml.Node) -> None:
        if path[-1].startswith("_") or not node.tag.startswith("tag:yaml.org,2002:"):
            self.faults.append(f"{self._at(node)}: {'.'.join(path)}: a recipe is data, never code")
        elif isinstance(node, yaml.MappingNode) and node.value:
            for key, value in self._pairs(node):
                self._values((*path, key), value)
        else:
            self._leaf(path, node)

    def _leaf(self, path: tuple[str, ...], node: yaml.Node) -> None:
        value = _construct(node)
        if re.search(r"\$\{[^}]*:", str(value)):
            self.faults.append(
                f"{self._at(node)}: {'.'.join(path)}: resolvers (${{name:…}}) are not allowed"
            )
        elif path == ("description",):
            self.recipe.description = str(value)
        self.recipe.settings.append(Setting(path, self._located(value), self._at(node)))

    def _located(self, value: Any) -> Any:
        """Turn `recipe:data.csv` into the path of that file beside the recipe."""
        if not isinstance(value, str) or not value.startswith("recipe:"):
            return value
        folder = self.recipe.file.resolve().parent
        target = (folder / value.removeprefix("recipe:")).resolve()
        if not target.is_relative_to(folder):
            self.faults.append(f"{self.recipe.file}: {value} is outside the recipe's folder")
        return str(target)


def _construct(node: yaml.Node) -> Any:
    loader = get_yaml_loader()("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())


class RecipeSource(ConfigSource):
    """Hydra's view of the recipes: the group `recipe`, each one only its choices."""

    def __init__(self, provider: str, path: str) -> None:
        super().__init__(provider=provider, path=path)

    @staticmethod
    def scheme() -> str:
        """Name the search path entry that this source serves."""
        return "recipe"

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the choices of `recipe/<name>` as a defaults list."""
        recipe = load(_name(config_path))
        if not self.is_config(config_path):
            raise ConfigLoadError(f"{config_path} is no recipe")
        inherited: list[Any] = [f"/recipe/{parent}" for parent in recipe.extends]
        chosen = [{f"override /{group}": option} for group, option in recipe.choices.items()]
        return ConfigResult(
            config=OmegaConf.create({"defaults": inherited + chosen}),
            path=f"{self.scheme()}://{self.path}",
            provider=self.provider,
            header={"package": "_global_"},
        )

    def available(self) -> bool:
        """Tell Hydra that the source can be used."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Tell whether the path is the group itself or a folder of recipes."""
        return config_path.strip("/") in ("", "recipe")

    def is_config(self, config_path: str) -> bool:
        """Tell whether the path is a recipe that can be found."""
        if not config_path.startswith("recipe/"):
            return False
        name = _name(config_path)
        return name.startswith(FILE_PREFIX) or name in names()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """List the recipes."""
        return names() if config_path.strip("/") == "recipe" else []


def _name(config_path: str) -> str:
    return config_path.removeprefix("recipe/").removesuffix(".yaml")


def open_door() -> None:
    """Make the source known to Hydra."""
    Plugins.instance().register(RecipeSource)
