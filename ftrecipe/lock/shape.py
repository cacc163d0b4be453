"""Whether a lock has the shape that its JSON schema describes: it may come from anywhere."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ftrecipe.rundir import read_json

SCHEMA = Path(__file__).resolve().parents[1] / "schemas" / "lock.json"
UNKNOWN, LACKS = " is not known", " lacks "
KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "boolean": (bool,),
    "integer": (int,), "number": (int, float), "null": (type(None),),
}  # fmt: skip


@cache
def _schema() -> dict[str, Any]:
    return read_json(SCHEMA)


def faults(lock: Any) -> list[str]:
    """Return where a lock is not of its shape, a line each."""
    return list(_faults(lock, _schema(), "the lock"))


def misshapen(value: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return by key which values of a JSON file are not as its schema says, and why.

    What the schema does not know, or misses, is of another version, and no fault.
    """
    schema = read_json(SCHEMA.with_name(name))["properties"]
    found = {}
    for key in value.keys() & schema.keys():
        told = _faults(value[key], schema[key], key)
        wrong = (fault for fault in told if UNKNOWN not in fault and LACKS not in fault)
        if (first := next(wrong, None)) is not None:
            found[key] = first
    return found


def _faults(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """Check the words of JSON Schema that ours uses: types, keys, items, patterns, choices."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield f"{where} is no {' or '.join(kinds)}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{where} is not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is none of {', '.join(schema['enum'])}"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where} is not of the form {schema['pattern']}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{where} is below {schema['minimum']}"
    if isinstance(value, dict):
        yield from _of_object(value, schema, where)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            yield from _faults(item, schema["items"], f"{where}[{number}]")


def _of_object(value: dict[str, Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    own = where.removeprefix("the lock").lstrip(".")
    below = {key: f"{own}.{key}" if own else key for key in value}
    for key in schema.get("required", []):
        if key not in value:
            yield f"{where}{LACKS}{key}"
    others = schema.get("additionalProperties", True)
    for key, item in value.items():
        if key in schema.get("properties", {}):
            yield from _faults(item, schema["properties"][key], below[key])
        elif others is False:
            yield f"{below[key]}{UNKNOWN}"
        elif isinstance(others, Mapping):
            yield from _faults(item, others, below[key])


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
