"""From the losses of single examples to the numbers and rows of a suite."""

import math
from collections.abc import Sequence

from ftrecipe.components.eval import ExampleLoss


def mean_loss(losses: Sequence[ExampleLoss]) -> float:
    """Return nats a token: exact, whatever the batches were."""
    return math.fsum(loss.nll for loss in losses) / count(losses)


def perplexity(loss: float) -> float:
    """Return exp(loss), infinite where that leaves the range of a float."""
    return math.exp(loss) if not loss > 709 else math.inf


def count(losses: Sequence[ExampleLoss]) -> int:
    """Return the number of tokens that were counted."""
    return sum(loss.tokens for loss in losses)


def rows(losses: Sequence[ExampleLoss]) -> list[dict[str, float]]:
    """Return one row an example: enough to recompute every mean."""
    return [{"nll": loss.nll, "tokens": loss.tokens, "right": loss.right} for loss in losses]
