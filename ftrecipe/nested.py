"""Builds an option that is named inside of another one, typed as any is, or says why not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
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

from ftrecipe.aliases import meant
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.registry import Group

LARGEST = 2**53  # a whole number beyond it is not the same in every JSON reader
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
    plain = literal(dict(values))
    faults = [f for k, value in plain.items() for f in _set(schema, str(k), value, where, more)]
    if faults:
        return None, faults
    option = OmegaConf.to_object(schema)
    return option, [f"{where}.{fault}" for fault in out_of_bounds(option)]


def _set(node: DictConfig, key: str, value: Any, where: str, more: Sequence[str] = ()) -> list[str]:
    place = f"{where}.{key}"
    typed = OmegaConf.get_type(node) is not dict
    if typed and key not in node:
        known = [*more, *(str(name) for name in node)]
        ours = meant(key).rpartition(".")[2]
        near = ours if ours in known else next(iter(get_close_matches(key, known, 1, 0.55)), "")
        hint = f"; did you mean {where}.{near}?" if near else ""
        return [f"{place}: there is no such key{hint} (known: {listed(known, 40)})"]
    target = node._get_node(key) if key in node else None
    if isinstance(target, DictConfig) and isinstance(value, Mapping):
        return [f for name, item in value.items() for f in _set(target, str(name), item, place)]
    try:
        node[key] = [value] if isinstance(target, ListConfig) and _is_one(value) else value
    except OmegaConfBaseException:
        return [f"{place}={value}: must be {wanted(target)}"]
    return []


def literal(value: Any) -> Any:
    """Return a plain value so that OmegaConf finds no interpolation in any of its texts."""
    if isinstance(value, str):
        return re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", value)
    if isinstance(value, dict):
        return {key: literal(item) for key, item in value.items()}
    return [literal(item) for item in value] if isinstance(value, list) else value


def _is_one(value: object) -> bool:
    return value is not None and not isinstance(value, (list, Mapping))


def wanted(target: Any) -> str:
    """Return in words what a node of a typed tree takes."""
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
        if is_dataclass(value):
            faults += [f"{item.name}.{fault}" for fault in out_of_bounds(value)]
        elif low is not None and value is not None:
            fault = bound_fault(value, low, item.metadata.get("high"))
            faults += [f"{item.name}={value}: {fault}"] if fault else []
    return faults


def without_effect(option: Any, where: str) -> list[str]:
    """Return the faults of values that nothing reads, because of what their neighbors are.

    Which those are is declared by `only_with` and `never_with`. `where` is the dotted key of the
    option, to name the neighbors by.
    """
    faults: list[str] = []
    for item in fields(option):
        value = getattr(option, item.name)
        if is_dataclass(value):
            below = without_effect(value, f"{where}.{item.name}")
            faults += [f"{item.name}.{fault}" for fault in below]
        elif value != _default(item) and (why := _idle(option, item.metadata, where)):
            shown = value.value if isinstance(value, Enum) else value
            faults.append(f"{item.name}={shown}: has no effect {why}")
    return faults


def _idle(option: Any, facts: Mapping[str, Any], where: str) -> str:
    """Return why a field of `option` with these facts is not read; nothing if it is."""
    needed, other = facts.get("only_with", ""), facts.get("never_with", "")
    if other and getattr(option, other):
        return f"beside {where}.{other}; leave one of them out"
    name, equals, wanted_value = needed.partition("=")
    if not needed:
        return ""
    there = getattr(option, name)
    there = there.value if isinstance(there, Enum) else there
    if str(there) == wanted_value if equals else there:
        return ""
    said = facts["only_with_said"] or f"{where}.{needed}"
    return f"without {said}; set that too, or leave this out"


def _default(item: "Field[Any]") -> Any:
    return item.default_factory() if item.default_factory is not MISSING else item.default


def bound_fault(value: float, low: float, high: float | None) -> str | None:
    """Return which bound the number is beyond, if any; none is endless, or not a number."""
    if not value >= low:  # so that nan is refused too
        return f"must be at least {_number(low)}"
    highest = LARGEST if high is None else high
    return f"must be at most {_number(highest)}" if value > highest else None


def _number(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"
