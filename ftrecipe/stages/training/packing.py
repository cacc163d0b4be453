"""Lays short documents into rows of a fixed capacity; it moves documents and never cuts one."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pyarrow.compute as compute
from datasets import Dataset

from ftrecipe.data.packing import pack
from ftrecipe.stages.training.batches import IGNORED


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


def supervised_counts(documents: Documents) -> list[int]:
    """The number of trained tokens of every document, its first one not counted."""
    if isinstance(documents, PackedDataset):
        each = supervised_counts(documents.documents)
        return [sum(each[i] for i in row) for row in documents.rows]
    if isinstance(documents, Dataset):
        table = documents.select_columns("labels").with_format("arrow")[:]
        return [count for chunk in table["labels"].chunks for count in _supervised(chunk)]
    labels = [documents[i]["labels"][1:] for i in range(len(documents))]
    return [len(one) - one.count(IGNORED) for one in labels]


def _supervised(lists: Any) -> list[int]:
    """The same for one chunk of a column, counted where it lies."""
    offsets = lists.offsets.to_numpy()
    trained = lists.values.to_numpy() != IGNORED
    trained[offsets[:-1]] = False  # nothing stands before it to predict it from
    running = np.concatenate([[0], np.cumsum(trained, dtype=np.int64)])
    return (running[offsets[1:]] - running[offsets[:-1]]).tolist()


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
