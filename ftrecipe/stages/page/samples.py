"""Which answers the page shows: evenly spread over the test questions, never picked for effect."""

from dataclasses import dataclass
from typing import Any

from ftrecipe.stages.page.story import Rows, Suite

MOST = 12


@dataclass(frozen=True)
class Sample:
    """One question with both answers; None where one was not measured or cannot be judged."""

    question: str
    expected: list[str]
    base: str | None
    tuned: str | None
    base_right: bool | None
    tuned_right: bool | None


def pick(suites: list[Suite], most: int = MOST) -> tuple[list[Sample], int]:
    """Return the samples of the suite that can say right or wrong, else of the first that wrote.

    The second value is how many there were to choose from.
    """
    wrote = [suite for suite in suites if suite.tuned_rows or suite.base_rows if suite.generates]
    if not wrote:
        return [], 0
    suite = min(wrote, key=lambda each: each.directions.get("exact_match") is None)
    rows = suite.tuned_rows or suite.base_rows
    count = min(most, len(rows))
    places = [at * len(rows) // count for at in range(count)]
    return [_sample(at, suite.base_rows, suite.tuned_rows) for at in places], len(rows)


def _sample(at: int, base: Rows, tuned: Rows) -> Sample:
    before, after = (rows[at] if at < len(rows) else None for rows in (base, tuned))
    row = after or before
    assert row is not None
    return Sample(
        question=row["question"],
        expected=row["expected"],
        base=before["answer"] if before else None,
        tuned=after["answer"] if after else None,
        base_right=_right(before),
        tuned_right=_right(after),
    )


def _right(row: dict[str, Any] | None) -> bool | None:
    return row["exact_match"] == 1 if row and "exact_match" in row else None
