"""Builds an option that is named inside of another one, typed as any is, or says why not."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any, cast

from omegaconf import (
    BooleanNode,
    DictConfig,
    EnumNode,
    FloatNode,
    IntegerNode,
    ListConfig,
    OmegaConf,
    StringNode,
)
from omegaconf.errors import OmegaConfBaseException

from ftrecipe.errors import did_you_mean, listed
from ftrecipe.registry import Group

PLAIN = {
    BooleanNode: "true or false",
    IntegerNode: "a whole number",
    FloatNode: "a number",
    StringNode: "text",
    ListConfig: "a list, [a,b]",
}


def built(
    group: Group, name: object, values: Mapping[str, Any], where: str, more: Sequence[str] = ()
) -> tuple[Any, list[str]]:
    """Return the option `name` of `group` with these values, and all faults of them.

    `where` is the dotted key of the values. `more` are keys that stand beside the option's own, to
    be told of. The option is None where there are faults.
    """
    if name not in group.classes:
        known = sorted(group.classes)
        hint = did_you_mean(str(name), known)
        return None, [f"{where}: {name} is no {group.name}{hint} (known: {listed(known, 40)})"]
    schema = OmegaConf.structured(group.classes[str(name)])
    faults = [f for k, value in values.items() for f in _set(schema, str(k), value, where, more)]
    if faults:
        return None, faults
    option = OmegaConf.to_object(schema)
    return option, [f"{where}.{fault}" for fault in out_of_bounds(option)]


def _set(node: DictConfig, key: str, value: Any, where: str, more: Sequence[str] = ()) -> list[str]:
    place = f"{where}.{key}"
    typed = OmegaConf.get_type(node) is not dict
    if typed and key not in node:
        known = [*more, *(str(name) for name in node)]
        hint = did_you_mean(key, known)
        return [f"{place}: there is no such key{hint} (known: {listed(known, 40)})"]
    target = node._get_node(key) if key in node else None
    if isinstance(target, DictConfig) and isinstance(value, Mapping):
        return [f for name, item in value.items() for f in _set(target, str(name), item, place)]
    try:
        node[key] = [value] if isinstance(target, ListConfig) and _is_one(value) else value
    except OmegaConfBaseException:
        return [f"{place}={value}: must be {_wanted(target)}"]
    return []


def _is_one(value: object) -> bool:
    return value is not None and not isinstance(value, (list, Mapping))


def _wanted(target: Any) -> str:
    if isinstance(target, EnumNode):
        names = [member.name for member in cast(type[Enum], target._metadata.ref_type)]
        return f"one of {listed(names)}"
    if isinstance(target, DictConfig):
        return f"a mapping of {listed([str(key) for key in target]) or 'names and values'}"
    kind = next((text for node, text in PLAIN.items() if isinstance(target, node)), "text")
    return f"{kind} or null" if target is not None and target._is_optional() else kind


def out_of_bounds(option: Any) -> list[str]:
    """Return the faults of numbers outside of the bounds that their fields declare."""
    faults: list[str] = []
    for item in fields(option):
        value, low = getattr(option, item.name), item.metadata.get("low")
        high = item.metadata.get("high")
        if low is None or value is None:
            continue
        if not value >= low:  # so that nan is refused too
            faults.append(f"{item.name}={value}: must be at least {low:g}")
        elif high is not None and value > high:
            faults.append(f"{item.name}={value}: must be at most {high:g}")
    return faults
