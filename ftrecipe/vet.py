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
from omegaconf._utils import get_yaml_loader

from ftrecipe.config import GROUPS, RunConfig, check_option
from ftrecipe.errors import ConfigError, did_you_mean, listed

LARGEST = 256 * 1024  # bytes; a recipe is a page, not a data file
DEEPEST = 16  # levels of nesting
FILE_PREFIX = "file."  # a recipe given by its path travels through Hydra as file.<hex of path>
NAME = re.compile(r"[\w-][\w.-]{0,99}(/[\w-][\w.-]{0,99}){0,9}")  # no climbing, no absolute path
RESOLVER = re.compile(r"(?<!\\)(?:\\\\)*\$\{[^}]*:")
NEVER = {
    "consent": "consent is given on the command line, never in a recipe",
    "hydra": "a recipe may not set hydra's own keys",
}
KEYS = tuple(item.name for item in fields(RunConfig) if item.name not in NEVER)


@dataclass(frozen=True)
class Setting:
    """One value asked for, and where: `peft.r = 8` from `recipes/x.yaml line 7`.

    `text` is the value as it was written, None where it was not written as one word.
    """

    path: tuple[str, ...]
    value: Any
    source: str
    text: str | None = None

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

    `unsure` holds the groups whose choice is faulty, so that nothing is said about their values.
    """

    choices: dict[str, Any] = field(default_factory=dict)
    settings: list[Setting] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)


@dataclass(kw_only=True)
class Recipe(Layer):
    """One recipe read: what it extends, the options it chooses, the values it sets."""

    name: str
    file: Path
    text: str
    extends: list[str] = field(default_factory=list)
    description: str = ""


def read(name: str, file: Path) -> Recipe:
    """Return the recipe in `file` with its faults. Raises ConfigError if it cannot be read."""
    recipe = Recipe(name=name, file=file, text=_text(file))
    _Reader(recipe).read()
    return recipe


def _text(file: Path) -> str:
    if not file.is_file():
        raise ConfigError(f"recipe={file}: there is no such file")
    if file.stat().st_size > LARGEST:
        raise ConfigError(f"{file}: larger than {LARGEST // 1024} KiB, so it is no recipe")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: is not UTF-8 text, so it is no recipe") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None


class _Reader:
    """Fills one Recipe from its YAML tree, gathering faults with their lines."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def read(self) -> None:
        self._events()
        for key, value in self._pairs(self._tree(), ()):
            if key.value == "defaults":
                self._defaults(value)
            elif key.value in KEYS:
                self._values((key.value,), value)
            else:
                self._unknown(key)

    def _events(self) -> None:
        """Refuse what YAML can do beyond plain data, before anything is built from it."""
        depth = 0
        for event in self._parsed(yaml.parse(self.recipe.text, Loader=yaml.SafeLoader)):
            if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
                raise ConfigError(f"{self._at(event)}: anchors and aliases are not allowed")
            if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
                raise ConfigError(
                    f"{self._at(event)}: {event.tag}: a recipe is data, never code; no tags"
                )
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise ConfigError(f"{self._at(event)}: nested deeper than {DEEPEST} levels")

    def _tree(self) -> yaml.MappingNode:
        nodes = self._parsed(yaml.compose_all(self.recipe.text, Loader=get_yaml_loader()))
        found = list(nodes)
        if len(found) != 1 or not isinstance(found[0], yaml.MappingNode):
            raise ConfigError(f"{self.recipe.file}: a recipe is one mapping of keys to values")
        return found[0]

    def _parsed(self, steps: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from steps
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            raise ConfigError(f"{self.recipe.file}: not valid YAML: {reason}") from None

    def _at(self, node: Any) -> str:
        return f"{self.recipe.file} line {node.start_mark.line + 1}"

    def _fault(self, node: Any, text: str) -> None:
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
        hint = did_you_mean(key.value, KEYS)
        why = NEVER.get(key.value, f"{key.value} is not a key{hint} (known: {listed(KEYS)})")
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
        if NAME.fullmatch(name) and not name.startswith(FILE_PREFIX):
            self.recipe.extends.append(name)
        else:
            self._fault(node, f"/recipe/{name} is not the name of a recipe")

    def _choose(self, node: yaml.Node, group: str, option: Any) -> None:
        many = GROUPS[group].many
        chosen = option if isinstance(option, list) and many else [option]
        names = [] if many and option is None else [str(name) for name in chosen]
        try:
            for name in names:
                check_option(group, name)
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
            self.recipe.description = str(value)
        text = node.value if isinstance(node, yaml.ScalarNode) else None
        if isinstance(value, str):
            text = value
        self.recipe.settings.append(Setting(path, value, self._at(node), text))

    def _plain(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        """Return the value of a node: text, numbers, and lists and mappings of these."""
        if isinstance(node, yaml.MappingNode):
            return {k.value: self._plain(v, (*path, k.value)) for k, v in self._pairs(node, path)}
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, path) for item in node.value]
        if RESOLVER.search(node.value):
            self._fault(node, f"{'.'.join(path)}: resolvers (${{name:…}}) are not allowed")
            return None
        return self._located(node, self._scalar(node, path))

    def _scalar(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        loader = get_yaml_loader()("")
        try:
            return loader.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError):
            self._fault(node, f"{'.'.join(path)}: {node.value} is not a value")
            return None
        finally:
            loader.dispose()

    def _located(self, node: yaml.Node, value: Any) -> Any:
        """Turn `recipe:data.csv` into the path of that file beside the recipe."""
        if not isinstance(value, str) or not value.startswith("recipe:"):
            return value
        folder = self.recipe.file.resolve().parent
        target = (folder / value.removeprefix("recipe:")).resolve()
        if not target.is_relative_to(folder):
            self._fault(node, f"{value} is outside the recipe's folder")
        return str(target)
