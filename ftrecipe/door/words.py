"""What a person typed, read: options chosen, values set, and what cannot be read.

Values of text fields are taken literally, so that a file name needs no quoting of Hydra's.
"""

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Any, get_origin, get_type_hints

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from ftrecipe import aliases
from ftrecipe.components.dataset.auto import Auto
from ftrecipe.components.dataset.sniff import recognize
from ftrecipe.components.model import looks_like_hub_id
from ftrecipe.components.model.ollama import hub_id_for, looks_like_tag
from ftrecipe.config import GROUPS, RunConfig, check_option, options
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.door import twice
from ftrecipe.door.interpolation import REFUSED, is_refused
from ftrecipe.door.reach import FILES
from ftrecipe.door.recipes import file_name, names
from ftrecipe.door.vet import Layer, Setting
from ftrecipe.errors import ConfigError, listed
from ftrecipe.nested import literal
from ftrecipe.paths import typed
from ftrecipe.registry import Group

LINE = "the command line"


@dataclass
class Asked(Layer):
    """The words of one command line, read."""

    recipe: str | None = None
    notes: list[str] = field(default_factory=list)  # what was found out, for a person to know


def read(words: list[str]) -> Asked:
    """Return what `words` ask for, with the faults of those that cannot be read."""
    asked = Asked()
    for word in words:
        try:
            _read_one(word, asked)
        except (ConfigError, OSError) as error:
            asked.faults += _faults(word, error)
            asked.unsure |= _unsure(word)
            asked.doubtful.add(word.lstrip("+").partition("=")[0].partition(".")[0])
    for key, texts in twice.differing(_said(words, asked)).items():
        if takes_list(key) and not twice.is_list(texts[-1]):  # another one, beside or instead
            asked.faults.append(twice.fault(key, texts, several=True))
            asked.doubtful.add(key.partition(".")[0])
        else:  # a whole list, or a value, is one instead
            asked.notes.append(twice.note(key, texts))
    return asked


def _keys(words: list[str]) -> list[str]:
    return [word.partition("=")[0].lstrip("+") for word in words]


def _said(words: list[str], asked: Asked) -> Iterator[twice.Pair]:
    """Yield each choice, and each value that could be read, with its key."""
    for key, word in zip(_keys(words), words, strict=True):
        if key in GROUPS and "=" in word:
            yield key, word.partition("=")[2]
    for setting in asked.settings:
        yield from twice.leaves(setting.key, setting.value, setting.written)


def _faults(word: str, error: ConfigError | OSError) -> list[str]:
    """Return what is wrong with a word, which may be too long for a file's name."""
    if isinstance(error, ConfigError):
        return error.faults
    if error.errno != errno.ENAMETOOLONG:
        raise error
    return [f"{word[:60]}…: is longer than a file's name"]


def look_at_the_file(asked: Asked) -> None:
    """Let a file that is named have the format that it shows; nothing else says how it is read."""
    named = next((one for one in asked.settings if one.path == ("dataset", "path")), None)
    if named is not None and named.text is not None:
        asked.choices["dataset"] = "auto"
        if Auto(path=named.text).produces() == "text":
            asked.choices.setdefault("eval", ["perplexity"])  # plain text asks no questions


def _unsure(word: str) -> set[str]:
    """Return the groups whose option is not known because `word` is faulty."""
    key = word.partition("=")[0].lstrip("+")
    return set(GROUPS) if key == "recipe" else {key} & set(GROUPS)


def _read_one(word: str, asked: Asked) -> None:
    key, equals, text = word.partition("=")
    key = key.lstrip("+")
    if word.startswith("--"):
        meant = aliases.meant(key.lstrip("-"))
        hint = f"; did you mean {meant}={text}?" if meant and "=" not in meant else ""
        raise ConfigError(
            f"{word}: flags belong to a verb; configuration is written key=value{hint}"
        )
    if word.startswith("~"):
        raise ConfigError(f"{word}: nothing can be deleted; set a value, or choose another option")
    if not key.strip("."):
        raise ConfigError(f"{word!r}: configuration is written key=value")
    if not equals:
        raise ConfigError(f"{word}: what should it be? write {key}=<value>{_word_hint(word)}")
    if not text and (key == "recipe" or key in GROUPS):
        known = names() if key == "recipe" else options(key)
        raise ConfigError(f"{key}= says nothing; write {key}=<one of {listed(known)}>")
    if key == "recipe":
        _recipe(text, asked)
    elif key == "model" and text not in options("model"):
        _model(_unquoted(text), asked)
    elif key == "dataset" and text not in options("dataset"):
        _dataset(_unquoted(text), asked)
    elif key in GROUPS:
        asked.choices[key] = _choice(key, text)
    else:
        _setting(key, text, asked)


def _setting(key: str, text: str, asked: Asked) -> None:
    if not text.strip() and key.rpartition(".")[2] in FILES:  # $DATA, and DATA is not set
        raise ConfigError(f"{key}= says nothing; write {key}=<a file or folder>, or leave it out")
    if key == "model.from_run":  # the run says which model; one that is named is compared
        asked.choices.setdefault("model", "custom")
    asked.settings.append(Setting(tuple(key.split(".")), value(key, text), LINE, text))


def _word_hint(word: str) -> str:
    if word.startswith("-"):
        return "; flags come after their verb"
    if (typed(word) / "run.json").is_file():
        recipe = quote(str(typed(word) / "recipe.yaml"))
        return f"; this is a run: +recipe={recipe} is what it was made of"
    if typed(word).exists() or word.startswith("builtin:"):
        return f"; for the data, {quote(f'dataset={word}')}"
    if group := next((name for name in GROUPS if word in options(name)), None):
        return f"; did you mean {group}={word}?"
    return f"; for the recipe, +recipe={word}" if word in names() else ""


def _recipe(text: str, asked: Asked) -> None:
    if asked.recipe is not None:
        raise ConfigError(f"recipe={text}: one recipe at a time; a recipe can extend another")
    asked.recipe = recipe_name(text)
    if "," in text and asked.recipe == text:
        raise ConfigError(f"recipe={text}: several values are a sweep; add -m to sweep")


def recipe_name(text: str) -> str:
    """Return the recipe's name; a file's path becomes a name that travels through Hydra."""
    file = typed(text)
    is_file = text.endswith((".yaml", ".yml")) or text.startswith((".", "/", "~/"))
    if is_file and not file.exists() and (stem := file.stem) in names():
        raise ConfigError(f"recipe={text}: there is no such file; did you mean +recipe={stem}?")
    return file_name(file) if is_file else text


def _choice(group: str, text: str) -> Any:
    parsed = _parsed(group, text)
    chosen = parsed if isinstance(parsed, list) else [] if parsed is None else [parsed]
    if not GROUPS[group].many and (len(chosen) != 1 or isinstance(parsed, list | dict)):
        raise ConfigError(f"{group}={text}: takes exactly one of {listed(options(group))}")
    for name in chosen:
        check_option(group, str(name))
    twice.refuse_repeated(group, chosen)
    return [str(name) for name in chosen] if GROUPS[group].many else str(chosen[0])


def _model(text: str, asked: Asked) -> None:
    is_path = "/" in text or text.startswith((".", "~")) or Path(text).is_dir()
    if not is_path and not looks_like_hub_id(text) and looks_like_tag(text):
        hub_id = hub_id_for(text)
        meant = f"; the same model's weights are model={hub_id}" if hub_id else ""
        raise ConfigError(
            f"model={text} is an Ollama tag: its file is quantised for running, not for "
            f"training{meant or '; give the hub id (org/name) of the original model'}"
        )
    if not is_path:
        _known_model(text)
    asked.choices["model"] = "custom"
    asked.settings.append(Setting(("model", "path"), literal(text), LINE, text))


def _known_model(text: str) -> None:
    """Raise ConfigError for what is no option, with how any other model is named."""
    try:
        check_option("model", text)
    except ConfigError as error:
        other = "any other model: model=<org>/<name> of the hub, or model=./<folder>"
        raise ConfigError(f"{fault}; {other}" for fault in error.faults) from None


def _dataset(text: str, asked: Asked) -> None:
    path = typed(text)
    if not path.exists() and not path.suffix and "/" not in text:
        check_option("dataset", text)
    found = locate(text)
    if isinstance(found, HubId):
        raise ConfigError(
            f"dataset={text}: a hub id does not say its format; write dataset=<one of "
            f"{listed(options('dataset'), 40)}> dataset.path={quote(text)}"
        )
    name, why = recognize(found)
    asked.choices["dataset"] = name
    asked.notes.append(f"data      read as {name}: {why}")
    if GROUPS["dataset"].get(asked.choices["dataset"]).yields == "text":
        asked.choices.setdefault("eval", ["perplexity"])  # plain text asks no questions
    asked.settings.append(Setting(("dataset", "path"), literal(text), LINE, text))


def value(key: str, text: str) -> Any:
    """Return the value of `key=text`: literal for text fields, else by Hydra's grammar."""
    if is_text(key):
        return None if text == "null" else literal(_unquoted(text))
    return _parsed(key, text)


def _unquoted(text: str) -> str:
    """Take off the quotes that people write out of Hydra's habit."""
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted and text[0] not in text[1:-1] else text


def _parsed(key: str, text: str) -> Any:
    if is_refused(text):
        raise ConfigError(f"{key}={text}: {REFUSED}")
    try:
        override = OverridesParser.create().parse_override(f"x={text}")
    except HydraException:
        if text.startswith("[") and text.endswith("]"):  # <|token|> is no word of Hydra's
            return [item.strip() for item in text[1:-1].split(",")]
        if text.startswith(("[", "{")):
            raise ConfigError(f"{key}={text}: the brackets cannot be read; write [a,b]") from None
        return text
    if override.is_sweep_override():
        several = f"; for all of them, {key}=[{text}]" if takes_list(key) else ""
        raise ConfigError(f"{key}={text}: several values are a sweep; add -m to sweep{several}")
    return override.value()


@cache
def field_types() -> dict[str, Any]:
    """Return the types of all fields by dotted key, over all options."""
    found = _types_in(RunConfig, "")
    for group in GROUPS.values():
        for name, cls in group.classes.items():
            found |= _types_in(cls, f"{group.name}.{name}." if group.many else f"{group.name}.")
    return found


def is_text(key: str) -> bool:
    """Tell whether `key` holds text, or lies in a mapping whose values are text."""
    kinds = field_types()
    above = kinds.get(key.rpartition(".")[0])
    return kinds.get(key) in (str, str | None) or above == dict[str, str]


def takes_list(key: str) -> bool:
    """Tell whether `key` is a list, or a group that takes several options."""
    many = key in GROUPS and GROUPS[key].many
    return many or get_origin(field_types().get(key)) is list


def _types_in(cls: type, prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    hints = get_type_hints(cls)
    for item in fields(cls):
        hint = hints[item.name]
        found[prefix + item.name] = hint
        if is_dataclass(hint) and item.name not in Group.all:
            found |= _types_in(hint, f"{prefix}{item.name}.")  # type: ignore[arg-type]
    return found
