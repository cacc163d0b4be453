"""Reads a recipe's text as data: what could be code, or reach beyond our keys, is a fault.

Where recipes are kept is not known here; that is the door, recipes.py.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ftrecipe.config import GROUPS, RunConfig, check_option
from ftrecipe.door.interpolation import REFUSED, is_refused
from ftrecipe.door.plain_yaml import LARGEST, place, text_of, tree_of, value_of
from ftrecipe.door.reach import outside
from ftrecipe.door.twice import refuse_repeated
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.version import __version__

MOST_FAULTS = 40  # that are told
TOO_MANY = f"has more than {MOST_FAULTS} faults; mend these first"
FILE_PREFIX = "file."  # a recipe given by its path travels through Hydra as file.<hex of path>
NAME = re.compile(r"[\w-][\w.-]{0,99}(/[\w-][\w.-]{0,99}){0,9}")  # no climbing, no absolute path
NEVER = {
    "consent": "consent is given on the command line, never in a recipe",
    "hydra": "a recipe may not set hydra's own keys",
}
KEYS = tuple(item.name for item in fields(RunConfig) if item.name not in NEVER)
ABOUT = ("ftrecipe", "expected")  # about the recipe, and no part of a run
EXPECTED = ("result", "time")
__all__ = ["FILE_PREFIX", "LARGEST", "MOST_FAULTS", "NAME", "TOO_MANY",
           "Layer", "Recipe", "Setting", "read"]  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One value asked for, and where: `peft.r = 8` from `recipes/x.yaml line 7`.

    `text` is the value as it was written, None where it was not written as one word. `outside` says
    which files it names that lie where a recipe may not reach. `recorded` tells what stands in a
    run that was made before, and nobody writes now.
    """

    path: tuple[str, ...]
    value: Any
    source: str
    text: str | None = None
    outside: tuple[str, ...] = ()
    recorded: bool = False

    @property
    def key(self) -> str:
        """Return the dotted key."""
        return ".".join(self.path)

    @property
    def written(self) -> str:
        """Return the value as a person would write it."""
        if self.text is not None:
            return self.text
        plain = self.value is None or isinstance(self.value, bool)
        return json.dumps(self.value) if plain else str(self.value)


@dataclass
class Layer:
    """What one recipe, or one command line, asks for, and what is wrong with it.

    `unsure` holds the groups whose choice is faulty, so that nothing is said about their values;
    `doubtful` those with a value that cannot be read, so that no rule is asked about them. `places`
    says where options were chosen.
    """

    choices: dict[str, Any] = field(default_factory=dict)
    settings: list[Setting] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    places: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Recipe(Layer):
    """One recipe read: what it extends, the options it chooses, the values it sets.

    `needs` is the range of ftrecipe's versions that it is written for (PEP 440), empty where it
    says none; `expected` what its author got, as text: `result`, `time`. Neither is part of a run.
    """

    name: str
    file: Path
    text: str
    extends: list[str] = field(default_factory=list)
    description: str = ""
    needs: str = ""
    expected: dict[str, str] = field(default_factory=dict)


def read(name: str, file: Path) -> Recipe:
    """Return the recipe in `file` with its faults. Raises ConfigError if it cannot be read."""
    recipe = Recipe(name=name, file=file, text=text_of(file))
    _Reader(recipe).read()
    return recipe


def _shown(recipe: Recipe) -> str:
    """Return the recipe's name as a person knows it; one given by its file has none."""
    return recipe.file.stem if recipe.name.startswith(FILE_PREFIX) else recipe.name


class _Reader:
    """Fills one Recipe from its YAML tree, gathering faults with their lines."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def read(self) -> None:
        tree = tree_of(self.recipe.text, self.recipe.file)
        self._version(tree)
        for key, value in self._pairs(tree, ()):
            if key.value == "defaults":
                self._defaults(value)
            elif key.value == "expected":
                self._expected(value)
            elif key.value == "ftrecipe":
                continue  # read before everything else
            elif key.value in KEYS:
                before = len(self.recipe.faults)
                self._values((key.value,), value)
                if len(self.recipe.faults) > before:
                    self.recipe.doubtful.add(key.value)
            else:
                self._unknown(key)

    def _version(self, tree: yaml.MappingNode) -> None:
        """Refuse a recipe of other versions, which may not be understood in any other point."""
        node = next((value for key, value in tree.value if key.value == "ftrecipe"), None)
        if node is None:
            return
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        try:
            allowed = SpecifierSet(text)
        except InvalidSpecifier:
            allowed = None
        if not text.strip() or allowed is None:
            raise ConfigError(
                f'{self._at(node)}: ftrecipe is a range of versions, ftrecipe: ">=0.2,<0.4"'
            )
        if not allowed.contains(__version__, prereleases=True):
            raise ConfigError(
                f"{self._at(node)}: recipe {_shown(self.recipe)} needs ftrecipe {text} and this is "
                f'{__version__}; pip install "ftrecipe{text}", or ask its author for one for this'
            )
        self.recipe.needs = text

    def _expected(self, node: yaml.Node) -> None:
        """Read what the author got: text for people, of which nothing is computed."""
        if not isinstance(node, yaml.MappingNode):
            self._fault(node, f"expected has {listed(EXPECTED)} below it, in words")
            return
        for key, value in self._pairs(node, ("expected",)):
            if key.value not in EXPECTED:
                hint = did_you_mean(key.value, EXPECTED)
                self._fault(key, f"expected.{key.value}: there is no such key{hint}")
            elif not isinstance(value, yaml.ScalarNode):
                self._fault(value, f"expected.{key.value} is a few words")
            else:
                self.recipe.expected[key.value] = value.value

    def _at(self, node: Any) -> str:
        return place(node, self.recipe.file)

    def _fault(self, node: Any, text: str) -> None:
        if len(self.recipe.faults) == MOST_FAULTS:
            raise ConfigError([*self.recipe.faults, f"{self.recipe.file}: {TOO_MANY}"])
        self.recipe.faults.append(f"{self._at(node)}: {text}")

    def _pairs(
        self, node: yaml.MappingNode, path: tuple[str, ...]
    ) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """Yield the sound keys of a mapping with their values."""
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, "a key is one word")
                continue
            dotted = ".".join((*path, key.value))
            if key.value in seen:
                self._fault(key, f"{dotted} is given twice")
            elif key.value.startswith("_"):
                self._fault(key, f"{dotted}: a recipe is data, never code")
            else:
                yield key, value
            seen.add(key.value)

    def _unknown(self, key: yaml.ScalarNode) -> None:
        known = ("defaults", *KEYS, *ABOUT)
        hint = did_you_mean(key.value, known)
        why = NEVER.get(key.value, f"{key.value} is not a key{hint} (known: {listed(known)})")
        self._fault(key, why)

    def _defaults(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.SequenceNode):
            self._fault(node, "defaults is a list")
            return
        for item in node.value:
            self._default(item, self._plain(item, ("defaults",)))

    def _default(self, node: yaml.Node, item: Any) -> None:
        pair = next(iter(item.items())) if isinstance(item, dict) and len(item) == 1 else ("", None)
        key, option = str(pair[0]), pair[1]
        group = re.sub(r"^override\s+/?", "", key)
        if isinstance(item, str) and item.startswith("/recipe/"):
            self._extend(node, item.removeprefix("/recipe/"))
        elif key == "/recipe":
            self._extend(node, str(option))
        elif group != key and group in GROUPS:
            self._choose(node, group, option)
        elif item != "_self_":
            self._fault(
                node,
                "a recipe's defaults may hold `override /<group>: <option>` "
                f"(groups: {', '.join(GROUPS)}) and `/recipe/<name>`, not {item!r}",
            )

    def _extend(self, node: yaml.Node, name: str) -> None:
        if name in self.recipe.extends:
            self._fault(node, f"/recipe/{name} is named twice")
        elif NAME.fullmatch(name) and not name.startswith(FILE_PREFIX):
            self.recipe.extends.append(name)
        else:
            self._fault(node, f"/recipe/{name} is not the name of a recipe")

    def _choose(self, node: yaml.Node, group: str, option: Any) -> None:
        many = GROUPS[group].many
        if group in self.recipe.places:
            both = f"; for several, - override /{group}: [a, b]" if many else ""
            self._fault(node, f"defaults: {group} is chosen twice{both}")
        self.recipe.places[group] = self._at(node)
        chosen = option if isinstance(option, list) and many else [option]
        names = [] if many and option is None else [str(name) for name in chosen]
        try:
            for name in names:
                check_option(group, name)
            refuse_repeated(group, names)
            self.recipe.choices[group] = names if many else names[0]
        except ConfigError as error:
            self.recipe.unsure.add(group)
            for fault in error.faults:
                self._fault(node, fault)

    def _values(self, path: tuple[str, ...], node: yaml.Node) -> None:
        if isinstance(node, yaml.MappingNode) and node.value:
            for key, value in self._pairs(node, path):
                self._values((*path, key.value), value)
            return
        value = self._plain(node, path)
        if path == ("description",):
            self.recipe.description = " ".join(str(value).split())
        text = node.value if isinstance(node, yaml.ScalarNode) else None
        if isinstance(value, str):
            text = value
        there = tuple(outside(path, value, self.recipe.file.resolve().parent))
        self.recipe.settings.append(Setting(path, value, self._at(node), text, there))

    def _plain(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        """Return the value of a node: text, numbers, and lists and mappings of these."""
        if isinstance(node, yaml.MappingNode):
            return {k.value: self._plain(v, (*path, k.value)) for k, v in self._pairs(node, path)}
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, path) for item in node.value]
        if is_refused(node.value):
            self._fault(node, f"{'.'.join(path)}: {REFUSED}")
            return None
        return self._located(node, self._scalar(node, path))

    def _scalar(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        try:
            return value_of(node)
        except ValueError:
            self._fault(node, f"{'.'.join(path)}: {node.value} is not a value")
            return None

    def _located(self, node: yaml.Node, value: Any) -> Any:
        """Turn `recipe:data.csv` into the path of that file beside the recipe."""
        if not isinstance(value, str) or not value.startswith("recipe:"):
            return value
        folder = self.recipe.file.resolve().parent
        target = (folder / value.removeprefix("recipe:")).resolve()
        if not target.is_relative_to(folder):
            self._fault(node, f"{value} is outside the recipe's folder")
        return str(target)
