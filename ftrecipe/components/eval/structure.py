"""JSON in answers: found, read strictly, and held against a schema; nothing here reaches a network.

Texts are matched under a time limit: there are patterns for which some take longer than a life.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urljoin

from ftrecipe.errors import DataError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

SECONDS = 0.5  # for one match; sound patterns take less than a thousandth
NOTHING = object()
"""Where there is no JSON; None is what `null` is read as."""

_FENCE = re.compile(r"```[ \t]*\w*[ \t]*\n(.*?)```", re.DOTALL)


class TooSlow(Exception):  # noqa: N818
    """A pattern did not come to an end in time."""


def _refuse(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(constant)


_JSON = json.JSONDecoder(parse_constant=_refuse)


def read(text: str, strict: bool) -> Any:
    """Return the JSON value of an answer, NOTHING where there is none.

    strict: all of the answer is JSON. Otherwise it may stand in a fence or between words; then it
    is the first object or list, since any sentence may hold a number.
    """
    value = _value(text)
    if value is not NOTHING or strict:
        return value
    for fenced in _FENCE.findall(text):
        if (value := _value(fenced)) is not NOTHING:
            return value
    return next(_within(text), NOTHING)


def is_structure(text: str) -> bool:
    """Tell whether all of a text is a JSON object or list."""
    return isinstance(read(text, strict=True), dict | list)


def _value(text: str) -> Any:
    try:
        return _JSON.decode(text)
    except (ValueError, RecursionError):
        return NOTHING


def _within(text: str) -> Iterator[Any]:
    for found in re.finditer(r"[\[{]", text):
        try:
            yield _JSON.raw_decode(text, found.start())[0]
        except (ValueError, RecursionError):
            continue


def matches(pattern: str, text: str, whole: bool = True) -> bool:
    """Tell whether a regular expression fits: the whole text, or else a part of it.

    Raises TooSlow where that is not known in time.
    """
    compiled = _compiled(pattern)
    try:
        found = (compiled.fullmatch if whole else compiled.search)(text, timeout=SECONDS)
    except TimeoutError:
        raise TooSlow(pattern) from None
    return found is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    import regex

    return regex.compile(pattern)


def pattern_fault(pattern: str) -> str | None:
    """Return why a regular expression is none."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    return None


def validator(schema: Mapping[str, Any]) -> "Validator":
    """Return what checks values against a schema, of the draft it names or of 2020-12.

    Raises DataError where it is no schema.
    """
    from jsonschema import Draft202012Validator, exceptions, validators
    from jsonschema_specifications import REGISTRY

    kind = validators.validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(dict(schema))
    except exceptions.SchemaError as error:
        place = error.json_path
        raise DataError(f"is no JSON schema: {place}: {error.message}") from None
    limited: Any = validators.extend(
        kind, {"pattern": _pattern, "patternProperties": _pattern_properties}
    )
    # Of a registry of our own, so that a $ref is never looked for in a network.
    _refuse_unknown_references(schema, kind, REGISTRY)
    return limited(schema, registry=REGISTRY)


def _refuse_unknown_references(schema: Mapping[str, Any], kind: Any, registry: Any) -> None:
    from referencing import Resource
    from referencing.exceptions import NoSuchResource, PointerToNowhere, Unresolvable
    from referencing.jsonschema import specification_with

    named = specification_with(kind.META_SCHEMA["$schema"])
    known = registry.with_resource("", Resource.from_contents(schema, named)).crawl()
    for base, reference in _references(schema, ""):
        try:
            known.resolver(base_uri=base).lookup(reference)
        except (Unresolvable, NoSuchResource, PointerToNowhere, ValueError):
            raise DataError(
                f"is not whole: $ref {reference} means nothing in it; put that below $defs"
            ) from None


def _references(node: Any, base: str) -> Iterator[tuple[str, str]]:
    """Yield every reference below a node with the address that it is relative to."""
    if isinstance(node, Mapping):
        if isinstance(node.get("$id"), str):
            base = urljoin(base, node["$id"])
        if isinstance(node.get("$ref"), str):
            yield base, node["$ref"]
        node = list(node.values())
    for item in node if isinstance(node, list) else ():
        yield from _references(item, base)


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if validator.is_type(value, "string") and not matches(pattern, value, whole=False):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, value: Any, schema: Any) -> Iterator[Any]:
    if not validator.is_type(value, "object"):
        return
    for pattern, below in patterns.items():
        for name, item in value.items():
            if matches(pattern, name, whole=False):
                yield from validator.descend(item, below, path=name, schema_path=pattern)


def schema_fault(checked: "Validator", value: Any) -> str | None:
    """Return what a value lacks, with its place; None for a value that fits."""
    try:
        error = next(iter(checked.iter_errors(value)), None)
    except TooSlow as slow:
        return f"the pattern {slow} took more than {SECONDS} s"
    except RecursionError:
        return "it is nested too deeply"
    return None if error is None else f"{error.json_path}: {error.message}"
