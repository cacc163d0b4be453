"""Makes tensors of tokenised rows, padded or packed; it neither tokenises nor truncates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from ftrecipe.data.packing import pack

IGNORED = -100
"""The label of a token that is not trained on; the value that cross-entropy skips."""

EVEN_WIDTH = 2048
"""The row width at which masked attention costs as much as all else: about 5 hidden sizes."""

Document = tuple[Sequence[int], Sequence[int]]
"""The tokens of one document and their labels."""


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

    The layout follows the attention kernel. `flatten=True` gives [1, all tokens], for kernels of
    variable length (flash attention), which cost the sum of the squares of the documents. Any
    other kernel masks what it has computed and so costs the square of a row's width:
    `flatten=False` lays the batch's documents anew, in rows as narrow as padding allows.

    There is no attention mask, and the model must be called with `use_cache=False`: given a mask
    or a cache, transformers does not look for packed documents and lets them see each other.
    """

    pad_token_id: int
    flatten: bool = False
    multiple_of: int | None = None

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """`input_ids`, `labels`, `position_ids`, int64, and the documents' bounds if flat.

        Args:
            rows: items of a `PackedDataset`.
        """
        documents = [document for row in rows for document in _documents(row)]
        lengths = [len(ids) for ids, _ in documents]
        if self.flatten:
            return self._tensors([documents], sum(lengths)) | _bounds(lengths)
        laid, width = _laid(lengths, widest=max(len(row["input_ids"]) for row in rows))
        width = _rounded(width, self.multiple_of)
        return self._tensors([[documents[i] for i in row] for row in laid], width)

    def _tensors(self, rows: Sequence[Sequence[Document]], width: int) -> dict[str, Tensor]:
        ids = [[token for ids, _ in row for token in ids] for row in rows]
        labels = [[label for _, labels in row for label in labels] for row in rows]
        positions = [[at for ids, _ in row for at in range(len(ids))] for row in rows]
        return {
            "input_ids": _right_padded(ids, self.pad_token_id, width),
            "labels": _right_padded(labels, IGNORED, width),
            # Padding counts 0, 0, 0: each pad is a document of its own and sees only itself.
            "position_ids": _right_padded(positions, 0, width),
        }


def _documents(row: Mapping[str, Any]) -> Iterator[Document]:
    """Cut a packed row at its `lengths`; each document's first label is ignored, since the token
    before it is another document's."""
    start = 0
    for length in row["lengths"]:
        end = start + length
        yield row["input_ids"][start:end], [IGNORED, *row["labels"][start + 1 : end]]
        start = end


def _laid(lengths: Sequence[int], widest: int) -> tuple[list[list[int]], int]:
    """Rows of documents, and their width: the cheapest between the longest document and `widest`.

    A narrow row spares attention and a wide one padding. Each try is a quarter wider than the
    last; once padding is gone, wider can only cost more.
    """
    width, best = max(lengths), None
    while True:
        rows = pack(lengths, capacity=width, seed=0)
        cost = len(rows) * width * (EVEN_WIDTH + width)
        if best is None or cost < best[0]:
            best = (cost, rows, width)
        if width >= widest or len(rows) * width < 1.02 * sum(lengths):
            return best[1], best[2]
        width = min(widest, width * 5 // 4 + 1)


def _bounds(lengths: Sequence[int]) -> dict[str, Any]:
    """Where documents begin and end, made on the host: the model would sync to find out."""
    bounds = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
    longest = max(lengths)
    return {
        "cu_seq_lens_q": bounds,
        "cu_seq_lens_k": bounds,
        "max_length_q": longest,
        "max_length_k": longest,
    }
