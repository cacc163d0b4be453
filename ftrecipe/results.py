"""eval/<suite>.jsonl: one line an example, with what each model made of it side by side."""

import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.rundir import RunDir

Row = dict[str, Any]
MODELS = "models"
BASE, TUNED = "base", "tuned"  # the two models that every run has


def read(rundir: RunDir, suite: str) -> dict[str, list[Row]]:
    """Return by model the rows of a suite, in the order of its examples; empty for none.

    Raises ConfigError for a line that was cut off, or says something else.
    """
    file = rundir.results(suite)
    found: dict[str, list[Row]] = {}
    if not file.is_file():
        return found
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                example = json.loads(line)
                models = example.pop(MODELS)
                rows = {who: example | row for who, row in models.items()}
            except (ValueError, LookupError, TypeError, AttributeError):
                raise ConfigError(
                    f"{file} line {number}: is no row of results; remove the file, and measure "
                    f"anew: python -m ftrecipe evaluate {rundir.path}"
                ) from None
            for who, row in rows.items():
                found.setdefault(who, []).append(row)
    return found


def count(rundir: RunDir, suite: str) -> int:
    """Return how many examples a suite has rows of."""
    file = rundir.results(suite)
    if not file.is_file():
        return 0
    with file.open("rb") as lines:
        return sum(1 for line in lines if line.strip())


def write(
    rundir: RunDir, suite: str, who: str, rows: Sequence[Row], identity: Collection[str]
) -> None:
    """Add the rows of one model, in place of those that it had.

    `identity` are the keys that say which example a row is of. What other models made of other
    examples, of a file that has changed since, is dropped: nothing could be compared with it.
    """
    known = read(rundir, suite)
    known[who] = list(rows)
    examples = [_of(row, identity) for row in rows]
    kept = {
        name: found
        for name, found in known.items()
        if [_of(row, identity) for row in found] == examples
    }
    lines = [
        examples[at]
        | {MODELS: {name: _without(found[at], identity) for name, found in kept.items()}}
        for at in range(len(rows))
    ]
    _store(rundir.results(suite), lines)


def keep(rundir: RunDir, suite: str, models: Collection[str]) -> None:
    """Take out what other models than these made of a suite's examples."""
    file = rundir.results(suite)
    if read(rundir, suite).keys() <= {*models}:
        return
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    for line in lines:
        line[MODELS] = {who: row for who, row in line[MODELS].items() if who in models}
    _store(file, [line for line in lines if line[MODELS]])


def _store(file: Path, lines: Sequence[Row]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def _of(row: Row, identity: Collection[str]) -> Row:
    return {key: value for key, value in row.items() if key in identity}


def _without(row: Row, identity: Collection[str]) -> Row:
    return {key: value for key, value in row.items() if key not in identity}
