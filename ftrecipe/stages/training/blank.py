"""The blank row, which fills up the last batches so that every process has as many as the others.

accelerate would repeat rows from the front instead, which count in the loss.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ftrecipe.stages.training.batches import IGNORED
from ftrecipe.stages.training.packing import Documents


class WithBlank:
    """Rows, and a blank one behind the last: two tokens of which nothing is learned."""

    def __init__(self, rows: Documents, pad_token_id: int) -> None:
        self.rows = rows
        self.blank = {
            "input_ids": [pad_token_id] * 2, "labels": [IGNORED] * 2, "lengths": [2],
        }  # fmt: skip

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        return self.rows[index] if index < len(self.rows) else self.blank


def real(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return those rows that are not blank."""
    return [row for row in rows if row["labels"] != [IGNORED] * 2]


def unfilled(rows: Documents) -> Documents:
    """Return rows without the blank one behind them."""
    return rows.rows if isinstance(rows, WithBlank) else rows
