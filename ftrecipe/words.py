"""What a person typed, read: options chosen, values set, and whether it is a sweep.

Values of text fields are taken literally, so that a file name needs no quoting of Hydra's.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from ftrecipe.components.dataset import sniff
from ftrecipe.components.model import looks_like_hub_id
from ftrecipe.components.model.ollama import hub_id_for, looks_like_tag
from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.recipes import FILE_PREFIX, Setting, packaged
from ftrecipe.registry import Group

LINE = "the command line"


@dataclass
class Asked:
    """The words of one command, read."""

    recipe: str | None = None
    choices: dict[str, Any] = field(default_factory=dict)
    settings: list[Setting] = field(default_factory=list)


def read(words: list[str]) -> Asked:
    """Return what `words` ask for. Raises ConfigError with every word that cannot be read."""
    asked, faults = Asked(), []
    for word in words:
        try:
            _read_one(word, asked)
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    return asked


def _read_one(word: str, asked: Asked) -> None:
    key, equals, text = word.partition("=")
    key = key.lstrip("+")
    if word.startswith("--"):
        raise ConfigError(f"{word}: flags belong to a verb; configuration is written key=value")
    if word.startswith("~"):
        raise ConfigError(f"{word}: nothing can be deleted; set a value, or choose another option")
    if not equals:
        raise ConfigError(f"{word}: what should it be? write {word}=<value>{_verb_hint(word)}")
    if key == "recipe":
        asked.recipe = recipe_name(text)
    elif key == "model" and text not in options("model"):
        _model(text, asked)
    elif key == "dataset" and text not in options("dataset"):
        _dataset(text, asked)
    elif key in GROUPS:
        asked.choices[key] = _choice(key, text)
    else:
        asked.settings.append(Setting(tuple(key.split(".")), value(key, text), LINE))


def _verb_hint(word: str) -> str:
    recipe = packaged("recipes") / f"{word}.yaml"
    return f"; for the recipe, +recipe={word}" if recipe.is_file() else ""


def recipe_name(text: str) -> str:
    """Return the recipe's name; a file's path becomes a name that travels through Hydra."""
    file = Path(text).expanduser()
    if text.endswith((".yaml", ".yml")) or text.startswith((".", "/", "~")):
        return FILE_PREFIX + str(file.absolute()).encode().hex()
    return text


@cache
def options(group: str) -> tuple[str, ...]:
    """Return the names that a group can be set to: its YAML files."""
    return tuple(sorted(file.stem for file in (packaged("conf") / group).glob("*.yaml")))


def check_option(group: str, name: str) -> None:
    """Raise ConfigError with the nearest name if `group` has no such option."""
    known = options(group)
    if name not in known:
        hint = did_you_mean(name, known)
        raise ConfigError(f"{group}={name} is not an option{hint} (known: {listed(known)})")


def _choice(group: str, text: str) -> Any:
    parsed = _parsed(group, text)
    chosen = parsed if isinstance(parsed, list) else [] if parsed is None else [parsed]
    for name in chosen:
        check_option(group, str(name))
    if GROUPS[group].many:
        return chosen
    if len(chosen) != 1:
        raise ConfigError(f"{group}={text}: takes exactly one of {listed(options(group))}")
    return str(chosen[0])


def _model(text: str, asked: Asked) -> None:
    is_path = text.startswith((".", "/", "~")) or Path(text).is_dir() or looks_like_hub_id(text)
    if not is_path and looks_like_tag(text):
        hub_id = hub_id_for(text)
        meant = f"; the same model's weights are model={hub_id}" if hub_id else ""
        raise ConfigError(
            f"model={text} is an Ollama tag: its file is quantised for running, not for "
            f"training{meant or '; give the hub id (org/name) of the original model'}"
        )
    if not is_path:
        check_option("model", text)
    asked.choices["model"] = "custom"
    asked.settings.append(Setting(("model", "path"), text, LINE))


def _dataset(text: str, asked: Asked) -> None:
    path = Path(text).expanduser()
    if not path.exists() and not path.suffix and "/" not in text:
        check_option("dataset", text)
    asked.choices["dataset"] = sniff(path)
    asked.settings.append(Setting(("dataset", "path"), text, LINE))


def value(key: str, text: str) -> Any:
    """Return the value of `key=text`: literal for text fields, else by Hydra's grammar."""
    if is_text(key):
        return None if text == "null" else _unquoted(text)
    return _parsed(key, text)


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _parsed(key: str, text: str) -> Any:
    try:
        override = OverridesParser.create().parse_override(f"x={text}")
    except HydraException:
        return text
    if override.is_sweep_override():
        raise ConfigError(f"{key}={text}: several values are a sweep; add -m to sweep")
    return override.value()


@cache
def text_fields() -> frozenset[str]:
    """Return the dotted keys of all fields that hold text, over all options."""
    found: set[str] = set(_text_in(RunConfig, ""))
    for group in GROUPS.values():
        for name, cls in group.classes.items():
            found |= _text_in(cls, f"{group.name}.{name}." if group.many else f"{group.name}.")
    return frozenset(found)


def is_text(key: str) -> bool:
    """Tell whether `key` holds text, or lies in a mapping whose values are text."""
    known = text_fields()
    return key in known or any(f"{key.rsplit('.', depth)[0]}.*" in known for depth in (1,))


def _text_in(cls: type, prefix: str) -> set[str]:
    found: set[str] = set()
    hints = get_type_hints(cls)
    for item in fields(cls):
        hint = hints[item.name]
        if hint in (str, str | None):
            found.add(prefix + item.name)
        elif hint == dict[str, str]:
            found.add(f"{prefix}{item.name}.*")
        elif is_dataclass(hint) and item.name not in Group.all:
            found |= _text_in(hint, f"{prefix}{item.name}.")  # type: ignore[arg-type]
    return found
