"""Makes tensors of tokenised rows, padded or packed; it neither tokenises nor truncates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

IGNORED = -100
"""The label of a token that is not trained on; the value that cross-entropy skips."""


def _rounded(length: int, multiple_of: int | None) -> int:
    return length if multiple_of is None else -(-length // multiple_of) * multiple_of


def _right_padded(rows: Sequence[Sequence[int]], value: int, width: int) -> Tensor:
    """Rows of any lengths as one int64 tensor [rows, width], filled up with `value`."""
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows])


@dataclass
class PaddingCollator:
    """One document to a row, padded on the right to the longest of the batch.

    No attention mask by default: padding stands after every real token, so under causal attention
    no real token sees it. That lets the kernels skip the upper triangle, which a mask forbids.
    A mixture-of-experts model wants the mask, since its balancing loss counts tokens.
    """

    pad_token_id: int
    multiple_of: int | None = None
    attention_mask: bool = False

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """`input_ids` and `labels`, int64 [rows, longest], and `attention_mask` if asked for."""
        ids = [row["input_ids"] for row in rows]
        width = _rounded(max(map(len, ids)), self.multiple_of)
        batch = {
            "input_ids": _right_padded(ids, self.pad_token_id, width),
            "labels": _right_padded([row["labels"] for row in rows], IGNORED, width),
        }
        batch["labels"][:, 0] = IGNORED  # nothing stands before it to predict it from
        if self.attention_mask:
            batch["attention_mask"] = _right_padded([[1] * len(row) for row in ids], 0, width)
        return batch


@dataclass
class PackedCollator:
    """Rows of whole documents, kept apart by `position_ids` that restart at each document.

    `flatten=False` gives [rows, longest]: masked attention costs the square of a row's length,
    so rows stay rows. `flatten=True` gives [1, all tokens] without padding, for kernels of
    variable length (flash attention), which cost the sum of the squares of the documents.
    There is no attention mask: with one, transformers would not look for packed documents.
    """

    pad_token_id: int
    flatten: bool = False
    multiple_of: int | None = None

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """`input_ids`, `labels`, `position_ids`, int64, and the documents' bounds if flat."""
        if self.flatten:
            return self._flat(rows)
        width = _rounded(max(len(row["input_ids"]) for row in rows), self.multiple_of)
        return {
            "input_ids": _right_padded(
                [row["input_ids"] for row in rows], self.pad_token_id, width
            ),
            "labels": _right_padded([_labels(row) for row in rows], IGNORED, width),
            # Padding counts 0, 0, 0: each pad is a document of its own and sees only itself.
            "position_ids": _right_padded([_positions(row["lengths"]) for row in rows], 0, width),
        }

    def _flat(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        lengths = [length for row in rows for length in row["lengths"]]
        # Given here, on the host: the model would else find them again, syncing in every layer.
        bounds = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
        return {
            "input_ids": _joined(row["input_ids"] for row in rows),
            "labels": _joined(_labels(row) for row in rows),
            "position_ids": _joined([_positions(lengths)]),
            "cu_seq_lens_q": bounds,
            "cu_seq_lens_k": bounds,
            "max_length_q": max(lengths),
            "max_length_k": max(lengths),
        }


def _joined(rows: Iterable[Sequence[int]]) -> Tensor:
    return torch.tensor([[value for row in rows for value in row]])


def _positions(lengths: Sequence[int]) -> list[int]:
    return [position for length in lengths for position in range(length)]


def _labels(row: Mapping[str, Any]) -> list[int]:
    """The row's labels with the first of each document ignored: no target across documents."""
    labels = list(row["labels"])
    for start in accumulate(row["lengths"][:-1], initial=0):
        labels[start] = IGNORED
    return labels
