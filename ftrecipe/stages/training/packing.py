"""Lays short documents into rows of a fixed capacity; it moves documents and never cuts one."""

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow.compute as compute
from datasets import Dataset

from ftrecipe.data.packing import pack


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
