"""Sets one value in the typed tree of a run, and says in plain words why it cannot be set."""

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, cast

from omegaconf import (
    DictConfig,
    EnumNode,
    FloatNode,
    IntegerNode,
    ListConfig,
    OmegaConf,
    StringNode,
    open_dict,
)
from omegaconf.errors import OmegaConfBaseException

from ftrecipe.config import GROUPS, options
from ftrecipe.door import suggest
from ftrecipe.door.vet import Setting
from ftrecipe.door.words import LINE
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.nested import LARGEST, PLAIN, bound_fault


def apply(root: DictConfig, setting: Setting) -> list[str]:
    """Set one value, each of its own if it is a mapping; return the faults."""
    parent: Any = root
    for depth, part in enumerate(setting.path):
        if not isinstance(parent, DictConfig) or (part not in parent and not _takes_any(parent)):
            return [_unknown(root, setting, parent, depth)]
        if depth == len(setting.path) - 1:
            break
        if part not in parent and (fault := _set(parent, part, {}, setting)):
            return [fault]
        parent = parent._get_node(part)
    return _assign(root, parent, setting)


def _takes_any(node: DictConfig) -> bool:
    """Tell whether `node` takes any key: a mapping such as trainer.extra, not options."""
    return OmegaConf.get_type(node) is dict and not is_dataclass(node._metadata.element_type)


def _assign(root: DictConfig, parent: DictConfig, setting: Setting) -> list[str]:
    name, value = setting.path[-1], setting.value
    target = parent._get_node(name) if name in parent else None
    if isinstance(target, DictConfig) and value is None:
        return []  # `trainer:` with nothing below it
    if isinstance(value, dict) and (value or isinstance(target, DictConfig)):
        below = [
            replace(setting, path=(*setting.path, str(key)), value=item, text=None)
            for key, item in value.items()
        ]
        if target is None or isinstance(target, DictConfig):
            return [fault for one in below for fault in apply(root, one)]
    fault = _set(parent, name, _fitting(target, setting), setting)
    return [fault] if fault else []


def _fitting(target: Any, setting: Setting) -> Any:
    """Return the value as the field takes it: a list of one, a whole number, the very text."""
    value = setting.value
    if value is None or isinstance(value, list | dict):
        return value
    if isinstance(target, ListConfig):
        return [value]
    if isinstance(target, IntegerNode) and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(target, StringNode) and not isinstance(value, str):
        return setting.written
    return value


def _set(parent: DictConfig, name: str, value: Any, setting: Setting) -> str | None:
    try:
        if value == "???" or isinstance(value, bool) != _takes_bool(parent, name, value):
            return _wrong(parent, name, setting)
        if fault := _bound(parent, name, value):
            return f"{_said(setting)}: {fault}"
        if name in parent:
            parent[name] = value
        else:
            with open_dict(parent):
                parent[name] = value
    except OmegaConfBaseException:
        return _wrong(parent, name, setting)
    return None


def _takes_bool(parent: DictConfig, name: str, value: Any) -> bool:
    """Tell whether true and false fit, which OmegaConf would let pass for numbers."""
    target = parent._get_node(name) if name in parent else None
    number = isinstance(target, IntegerNode | FloatNode)
    return isinstance(value, bool) and not number


def _bound(parent: DictConfig, name: str, value: Any) -> str | None:
    """Return which bound of its field a number is beyond, if any."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    kind = OmegaConf.get_type(parent)
    declared = {item.name: item.metadata for item in fields(kind)} if is_dataclass(kind) else {}
    bounds = declared.get(name, {})
    return bound_fault(value, bounds.get("low", -LARGEST), bounds.get("high"))


def _said(setting: Setting) -> str:
    """Return the place of a setting, and what it sets."""
    where = "" if setting.source == LINE else f"{setting.source}: "
    return f"{where}{setting.key}={setting.written}"


def _wrong(parent: DictConfig, name: str, setting: Setting) -> str:
    """Say what is wanted instead of the value."""
    target = parent._get_node(name) if name in parent else None
    said = _said(setting)
    if len(setting.path) == 1 and name in GROUPS:
        return f"{said}: an option is chosen in defaults: - override /{name}: {setting.written}"
    if isinstance(target, DictConfig):
        keys = [f"{setting.key}.{key}" for key in map(str, target)] or [f"{setting.key}.<name>"]
        return f"{said}: has values of its own; set {listed(keys)}"
    if isinstance(target, EnumNode):
        names = [member.name for member in cast(type[Enum], target._metadata.ref_type)]
        return f"{said}: must be one of {listed(names)}{did_you_mean(setting.written, names)}"
    wanted = next((text for kind, text in PLAIN.items() if isinstance(target, kind)), "text")
    optional = " or null" if target is not None and target._is_optional() else ""
    return f"{said}: must be {wanted}{optional}"


def _unknown(root: DictConfig, setting: Setting, parent: Any, depth: int) -> str:
    """Say that a key does not exist, which one may be meant, and which there are."""
    path = setting.path
    prefix, word = ".".join(path[:depth]), path[depth]
    where = "" if setting.source == LINE else f"{setting.source}: "
    known = [str(key) for key in parent] if isinstance(parent, DictConfig) else []
    if prefix in GROUPS and GROUPS[prefix].many and word in options(prefix):
        chosen = ",".join([*known, word])
        return f"{where}{setting.key}: {prefix}={word} is not chosen; add {prefix}=[{chosen}]"
    if owners := _owners(path[:depth], word):
        return f"{where}{setting.key}: belongs to {prefix}={' and '.join(owners)}, not chosen here"
    if reason := suggest.why(path, depth):
        return f"{where}{setting.key}: there is no such key; {reason}"
    names = [*known, *(options(prefix) if prefix in GROUPS and GROUPS[prefix].many else ())]
    meant = suggest.key(root, path, depth, names, setting.written)
    hint = f"; did you mean {meant}?{_of(root, meant)}" if meant else ""
    if prefix and not known:
        return f"{where}{setting.key}: {prefix} has no keys below it{hint}"
    every = listed([".".join((*path[:depth], name)) for name in known])
    return f"{where}{setting.key}: there is no such key{hint} (known: {every})"


def _of(root: DictConfig, key: str) -> str:
    """Say which options have a key that the chosen one has not; nothing if it has."""
    group, _, word = key.partition(".")
    chosen = root.get(group) if "=" not in key else None
    missing = word and isinstance(chosen, DictConfig) and word.partition(".")[0] not in chosen
    owners = _owners((group,), word) if missing else []
    return f" it belongs to {group}={' and '.join(owners)}" if owners else ""


def _owners(above: tuple[str, ...], word: str) -> list[str]:
    """Return the options of the group `above` that have a field `word`, three at most by name."""
    if len(above) != 1 or above[0] not in GROUPS or GROUPS[above[0]].many:
        return []
    classes = GROUPS[above[0]].classes
    owners = [name for name, kind in classes.items() if word in [f.name for f in fields(kind)]]
    return owners if len(owners) < 4 else [*owners[:3], "others"]
