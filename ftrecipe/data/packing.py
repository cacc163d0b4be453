"""Lays short documents into rows of a fixed capacity: which ones go together."""

import random
from bisect import bisect_left, insort
from collections.abc import Sequence


def pack(lengths: Sequence[int], capacity: int, seed: int) -> list[list[int]]:
    """Best-fit-decreasing bin packing, in O(n log n).

    Args:
        lengths: tokens of each document.
        capacity: the most tokens a row may hold.
        seed: decides between documents of equal length, and in which order the rows come.

    Returns:
        Rows of document indices; every document is in exactly one row.

    Raises:
        ValueError: a document is longer than `capacity`.
    """
    if len(lengths) and max(lengths) > capacity:
        worst = max(range(len(lengths)), key=lengths.__getitem__)
        raise ValueError(
            f"document {worst} has {lengths[worst]} tokens but a packed row holds {capacity}; "
            "raise trainer.max_length or truncate before packing"
        )
    chance = random.Random(seed)
    order = list(range(len(lengths)))
    chance.shuffle(order)
    order.sort(key=lengths.__getitem__, reverse=True)  # stable: equal lengths stay shuffled
    rows = _best_fit(order, lengths, capacity)
    chance.shuffle(rows)
    return rows


def _best_fit(order: list[int], lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Put each document of `order` into the fullest row that still has room for it."""
    rows: list[list[int]] = []
    spaces: list[int] = []  # the distinct free spaces there are, ascending
    with_space: dict[int, list[list[int]]] = {}  # rows by free space
    for document in order:
        needed = lengths[document]
        place = bisect_left(spaces, needed)
        if place == len(spaces):
            space, row = capacity, []
            rows.append(row)
        else:
            space = spaces[place]
            row = with_space[space].pop()
            if not with_space[space]:
                del with_space[space], spaces[place]
        row.append(document)
        left = space - needed
        if left not in with_space:
            with_space[left] = []
            insort(spaces, left)
        with_space[left].append(row)
    return rows
