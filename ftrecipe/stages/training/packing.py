"""Lays short documents into rows of a fixed capacity; it moves documents and never cuts one."""

import random
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pyarrow.compute as compute
from datasets import Dataset


class Documents(Protocol):
    """A map-style dataset whose items hold `input_ids` and `labels` of equal length."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Mapping[str, Any]: ...


def token_counts(documents: Documents) -> list[int]:
    """The number of tokens of every document; an Arrow-backed dataset is not decoded for it."""
    if isinstance(documents, PackedDataset):
        return [sum(documents.lengths[i] for i in row) for row in documents.rows]
    if isinstance(documents, Dataset):
        table = documents.select_columns("input_ids").with_format("arrow")[:]
        return compute.call_function("list_value_length", [table["input_ids"]]).to_pylist()
    return [len(documents[i]["input_ids"]) for i in range(len(documents))]


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
    if lengths and max(lengths) > capacity:
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


class PackedDataset:
    """A view of a dataset in which item i is one packed row of whole documents."""

    def __init__(self, documents: Documents, capacity: int, seed: int) -> None:
        """Pack `documents` into rows of at most `capacity` tokens; see `pack` for errors."""
        self.documents = documents
        self.lengths = token_counts(documents)
        self.rows = pack(self.lengths, capacity, seed)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        """`input_ids` and `labels` of the row end to end, and `lengths` of its documents."""
        documents = [self.documents[i] for i in self.rows[index]]
        return {
            "input_ids": [token for document in documents for token in document["input_ids"]],
            "labels": [label for document in documents for label in document["labels"]],
            "lengths": [len(document["input_ids"]) for document in documents],
        }
