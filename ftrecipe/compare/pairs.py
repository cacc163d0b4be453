"""Rows of two models on the same examples, put side by side by what they say of the example."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from ftrecipe.compare.tallies import Row


def pairs(
    after: Sequence[Row], before: Sequence[Row], identity: Collection[str]
) -> tuple[list[Row], list[Row]]:
    """Return the rows of the examples that both have, in the order of `after`.

    `identity` are the keys that say which example a row is of. Where several rows say the same,
    the first goes with the first, and so on.
    """
    theirs = dict(zip(_keys(before, identity), before, strict=True))
    both = [
        (row, theirs[key])
        for key, row in zip(_keys(after, identity), after, strict=True)
        if key in theirs
    ]
    return [mine for mine, _ in both], [other for _, other in both]


def _keys(rows: Sequence[Row], identity: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yield for each row what it is of, and how many of the same there were before."""
    seen: Counter[str] = Counter()
    for row in rows:
        key = json.dumps({name: row[name] for name in identity if name in row}, sort_keys=True)
        yield key, seen[key]
        seen[key] += 1
