"""Suite `format`: do answers have the form that was asked for: JSON, a schema, a pattern, calls?"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, AnswerEval, Completion, Example
from ftrecipe.components.eval.calls import Call, calls_in, calls_of, canonical, key, marked
from ftrecipe.components.eval.structure import (
    NOTHING,
    TooSlow,
    is_structure,
    matches,
    pattern_fault,
    read,
    schema_fault,
    validator,
)
from ftrecipe.data.files.locate import locate
from ftrecipe.errors import DataError
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

    from ftrecipe.compare.tallies import Array

CHECKS = (
    "valid_json",
    "matches_schema",
    "matches_regex",
    "tool_name",
    "tool_arguments",
    "tool_calls",
)


@GROUP.option("format")
@dataclass
class Format(AnswerEval):
    """Shares of answers in percent that have each form, and all of what was asked for at once.

    An answer is held to JSON where the expected one is JSON, to `schema` or `schema_path` and
    `regex` where these are set, to calls of tools where the expected answer calls some. With
    `strict`, the whole answer is JSON; otherwise it may stand in a fence or between words. `regex`
    fits the whole answer. `json` holds every answer to JSON (true) or none (false).
    """

    headline: ClassVar[str] = "well_formed"
    percents: ClassVar[tuple[str, ...]] = ("well_formed", *CHECKS, "unasked_calls")
    directions: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("well_formed", *CHECKS), "max"),
        "unasked_calls": "min",
    }

    max_new_tokens: int = bounded(256, 1)
    json: bool | None = None
    schema: dict[str, Any] = field(default_factory=dict)
    schema_path: str | None = None
    regex: str | None = None
    strict: bool = True

    def judged(self, example: Example, said: Completion) -> Row:
        """Return of each form that this answer is held to whether it has it."""
        expected = expected_calls(example)
        if expected:
            found = calls_in(said.text)
            return {"calls": found, **compared(found, expected)}
        row = {**self._structured(example, said.text), **self._patterned(said.text)}
        if example.tools:
            found = calls_in(said.text)
            row |= {"calls": found, "unasked_calls": bool(found)}
        return row

    def _structured(self, example: Example, text: str) -> Row:
        asked = self.json
        if asked is None:
            asked = self._checks_schema or is_structure(_expected(example))
        if not asked:
            return {}
        value = read(text, self.strict)
        row: Row = {"valid_json": value is not NOTHING}
        if self._checks_schema:
            why = "no JSON" if value is NOTHING else schema_fault(self._validator, value)
            row |= {"matches_schema": why is None} | ({"schema_fault": why} if why else {})
        return row

    def _patterned(self, text: str) -> Row:
        if self.regex is None:
            return {}
        try:
            return {"matches_regex": matches(self.regex, text)}
        except TooSlow:  # told in the row; an answer that nobody can match in time does not match
            return {"matches_regex": False, "too_slow": True}

    @property
    def _checks_schema(self) -> bool:
        return bool(self.schema or self.schema_path)

    @cached_property
    def _validator(self) -> "Validator":
        return validator(self._read_schema())

    def _read_schema(self) -> dict[str, Any]:
        """Return the schema. Raises DataError where the file has none."""
        if not self.schema_path:
            return self.schema
        try:
            found = json.loads(_file(self.schema_path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise DataError(f"is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise DataError("holds no JSON object, which a schema is")
        return found

    def tally(self, row: Row) -> dict[str, float]:
        """Add each check of the row to its own sum, and to how many are held to it."""
        checks = {name: float(row[name]) for name in (*CHECKS, "unasked_calls") if name in row}
        if not checks:
            return {}
        right = [row[name] for name in CHECKS if name in row]
        whole = float(all(right) and not row.get("unasked_calls"))
        checks["well_formed"] = whole
        return checks | {f"asked.{name}": 1.0 for name in checks}

    def scores(self, sums: Sums) -> "dict[str, Array]":
        """Return the share of each check among the answers that are held to it.

        Where a sample has none of these, the share is 0 for every model, and so no difference.
        """
        import numpy as np

        held = [name for name in self.percents if f"asked.{name}" in set(sums)]
        found = {name: 100 * sums[name] / np.maximum(sums[f"asked.{name}"], 1) for name in held}
        return found | {"questions": sums.examples}

    def files(self) -> dict[str, Path]:
        own = super().files()
        return own | ({"schema_path": _file(self.schema_path)} if self.schema_path else {})

    def faults(self) -> list[str]:
        return [*super().faults(), *self._schema_faults(), *self._regex_faults()]

    def _schema_faults(self) -> Iterator[str]:
        if self.schema and self.schema_path:
            yield "schema_path: schema is set too; leave one of them out"
        if self._checks_schema and self.json is False:
            yield "json=false: a schema is set, and only JSON can match it; leave json out"
        name = f"schema_path={self.schema_path}" if self.schema_path else "schema"
        try:
            schema = self._read_schema()
            # Looked at where it is installed; a worker's machine has it.
            if schema and find_spec("jsonschema") is not None:
                validator(schema)
        except DataError as error:
            yield from (f"{name}: {fault}" for fault in error.faults)

    def _regex_faults(self) -> Iterator[str]:
        if self.regex is not None and (why := pattern_fault(self.regex)):
            yield f"regex={self.regex}: {why}"

    def unfit(self, examples: Sequence[Example]) -> list[str]:
        asked = self.json or self._checks_schema or self.regex is not None
        if asked or not examples or any(_is_held_to_something(each) for each in examples):
            return super().unfit(examples)
        return [
            "no expected answer is JSON or calls a tool, so there is no form to hold answers to; "
            "set eval.format.json=true, eval.format.schema_path=FILE or eval.format.regex=PATTERN"
        ]


def _is_held_to_something(example: Example) -> bool:
    return bool(example.tools or expected_calls(example) or is_structure(_expected(example)))


def _expected(example: Example) -> str:
    """Return the first expected answer; nothing of a question that is only asked."""
    return example.answers[0] if example.answers else ""


def expected_calls(example: Example) -> list[Call]:
    """Return the calls of the expected answer: of its message, or marked as such in its text."""
    found = calls_of(example.reply) if example.reply else []
    text = _expected(example)
    return found or (calls_in(text) if marked(text) else [])


def compared(found: list[Call], expected: list[Call]) -> Row:
    """Return what of the calls is right: all of it, in any order, and nothing more."""
    names, arguments, both = (
        Counter(map(part, found)) == Counter(map(part, expected))
        for part in (_name, _arguments, key)
    )
    return {"tool_name": names, "tool_arguments": arguments, "tool_calls": both}


def _name(call: Call) -> str | None:
    return call["name"]


def _arguments(call: Call) -> str:
    return canonical(call["arguments"])


def _file(path: str) -> Path:
    """Return the file that a portable name means. Raises DataError."""
    found = locate(path)
    if not isinstance(found, Path) or not found.is_file():
        raise DataError("is no file")
    return found
