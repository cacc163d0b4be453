"""Questions to try a model by: those that it was seen to answer rightly come first."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ftrecipe.components.eval.squad import best, exact_match
from ftrecipe.config import RunConfig
from ftrecipe.rundir import RunDir

SHORT = 100  # characters of a question that fits on a line
TUNED = "tuned"


def to_try(rundir: RunDir, run: RunConfig) -> str | None:
    """Return a short question that a run was measured by, None where there is none.

    One that its model answered rightly, if any; then one that is like what it was trained on.
    """
    found = [*_asked(rundir, run)]
    return min(found, key=lambda one: one[0])[1] if found else None


def answered_rightly(rundir: RunDir) -> set[str]:
    """Return the questions of all suites that the tuned model answered as was expected."""
    files = sorted(rundir.eval.glob("*.jsonl"))
    return {row["question"] for file in files for row in _rows(file) if is_right(row)}


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as rows:
        yield from map(json.loads, rows)


def _asked(rundir: RunDir, run: RunConfig) -> Iterator[tuple[tuple[bool, bool], str]]:
    """Yield short questions, each with what speaks against it."""
    for file in sorted(rundir.eval.glob("*.jsonl")):
        suite = run.eval.get(file.stem)
        foreign = suite is None or suite.reads() is None
        for row in _rows(file):
            question = row.get("question")
            if isinstance(question, str) and len(question) < SHORT and question.isprintable():
                yield (not is_right(row), foreign), question


def is_right(row: dict[str, Any]) -> bool:
    """Tell whether the tuned model gave an expected answer to its end, but for letters' case."""
    said, expected = row.get("models", {}).get(TUNED, {}), row.get("expected") or []
    answer, question = said.get("answer"), row.get("question")
    if not (isinstance(answer, str) and isinstance(question, str) and isinstance(expected, list)):
        return False
    texts = [text for text in expected if isinstance(text, str) and text.strip()]
    ended = bool(said.get("ended", True) and answer.strip())
    return bool(ended and texts and best(exact_match, answer, texts))
