"""From the losses of single examples to rows, and from their sums to the metrics of a suite."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ftrecipe.compare.tallies import Row
from ftrecipe.components.eval import ExampleLoss

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array


def rows(losses: Sequence[ExampleLoss]) -> list[Row]:
    """Return one row an example: enough to recompute every mean."""
    return [{"nll": loss.nll, "tokens": loss.tokens, "right": loss.right} for loss in losses]


def perplexity(loss: "Array") -> "Array":
    """Return exp(loss), infinite where that leaves the range of a float."""
    import numpy as np

    return np.exp(loss)
