"""What goes to a library by its own name, checked without it: names, types, choices and bounds.

The table is made of the installed libraries' classes by scripts/make_argument_tables.py. A row says
which `types` of JSON a field takes, which `choices`, from `low` to `high`; an empty one, anything.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ftrecipe.aliases import meant
from ftrecipe.errors import did_you_mean, listed

ARGUMENTS = Path(__file__).resolve().parent / "builtin" / "arguments.json"
PUSHES = ("push_to_hub", "hub_", "trackio_")  # a recipe is from anyone, and may not upload
WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list, [a,b]",
    "object": "a mapping",
    "null": "null",
}
OBJECT = "left out: it is an object of Python, and a recipe is data"

Row = Mapping[str, Any]


@cache
def tables() -> dict[str, dict[str, Row]]:
    """Return the libraries' own names and what they take, read once."""
    return json.loads(ARGUMENTS.read_text("utf-8"))


def argument_faults(
    group: str, library: str, extra: Mapping[str, Any], named: Mapping[str, Any], reserved: Any
) -> Iterator[str]:
    """Yield what is wrong with what `<group>.extra` hands to the class `library`.

    `named` are the fields that the option itself has, `reserved` what the run decides.
    """
    known = tables()[library]
    for name, value in extra.items():
        key = f"{group}.extra.{name}"
        ours = name if name in named else meant(name).removeprefix(f"{group}.")
        if name in named or (ours in named and name in known):
            yield f"{key}: has a field of its own; use {group}.{ours}"
        elif name.startswith(PUSHES):
            yield f"{key}: a run uploads nothing by itself; export=[merged,hub] pushes a model"
        elif name in reserved:
            yield f"{key}: is decided by the run; leave it out"
        elif name not in known:
            choices = [one for one in known if one not in reserved]
            own = f"; did you mean {group}.{ours}?" if ours in named else ""
            hint = own or did_you_mean(name, choices)
            yield f"{key}: {library} has no such field{hint}"
        elif fault := value_fault(known[name], value):
            yield f"{key}={written(value)}: {fault}"


def key_faults(key: str, values: Mapping[str, Any], table: str) -> Iterator[str]:
    """Yield what is wrong with the values of a strategy's own file, of which libraries skip what
    they do not know."""
    known = tables()[table]
    for name, value in values.items():
        if name not in known:
            yield f"{key}.{name}: there is no such key{did_you_mean(name, known)}"
        elif fault := value_fault(known[name], _whole(value)):
            yield f"{key}.{name}={written(value)}: {fault}"
        elif isinstance(value, dict) and f"{table}.{name}" in tables():
            yield from key_faults(f"{key}.{name}", value, f"{table}.{name}")


def _whole(value: Any) -> Any:
    """Return 5e8 as the whole number that it is: so it is written in many of these files."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def value_fault(row: Row, value: Any) -> str | None:
    """Return what the value must be instead; None if it may be."""
    if not row:
        return None
    types, choices = row.get("types", []), row.get("choices", [])
    if any(type(value) is type(one) and value == one for one in choices):
        return None
    if kind_of(value) in types or (kind_of(value) == "integer" and "number" in types):
        return _bound_fault(row, value)
    return f"must be {_wanted(types, choices)}{_near(value, choices)}"


def _bound_fault(row: Row, value: Any) -> str | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    low, high = row.get("low"), row.get("high")
    if low is not None and not value >= low:
        return f"must be at least {low:g}"
    return f"must be at most {high:g}" if high is not None and not value <= high else None


def kind_of(value: Any) -> str:
    """Return the JSON type of a plain value."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array",
             dict: "object", type(None): "null"}  # fmt: skip
    return kinds[type(value)]


def written(value: Any) -> str:
    """Return a value as a person would write it."""
    return value if isinstance(value, str) else json.dumps(value)


def _wanted(types: list[str], choices: list[Any]) -> str:
    if not choices and set(types) <= {"null"}:
        return OBJECT
    named = [f"one of {listed([written(one) for one in choices])}"] if choices[1:] else choices
    return " or ".join([*(WORDS[kind] for kind in types), *named])


def _near(value: Any, choices: list[Any]) -> str:
    texts = [one for one in choices if isinstance(one, str)]
    return did_you_mean(value, texts) if isinstance(value, str) else ""
