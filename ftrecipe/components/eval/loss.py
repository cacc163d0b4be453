"""From the losses of single examples to rows, and from their sums to the metrics of a suite."""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import ExampleLoss

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

_UNSAFE = re.compile(r"[^\w-]+")


def rows(losses: Sequence[ExampleLoss]) -> list[Row]:
    """Return one row an example: enough to recompute every mean."""
    return [
        {
            "where": loss.where,
            "source": loss.source,
            "nll": loss.nll,
            "tokens": loss.tokens,
            "right": loss.right,
            "bytes": loss.text_bytes,
        }
        for loss in losses
    ]


def perplexity(loss: "Array") -> "Array":
    """Return exp(loss), infinite where that leaves the range of a float."""
    import numpy as np

    return np.exp(loss)


def bits_per_byte(nll: "Array", text_bytes: "Array") -> "Array":
    """Return nats as bits, for each UTF-8 byte of the text that was predicted.

    Unlike the perplexity of tokens, it can be compared across tokenizers.
    """
    return nll / math.log(2) / text_bytes


def part(name: str) -> str:
    """Return the name of a source as it stands behind the point of a metric's name."""
    return _UNSAFE.sub("_", name)


def by_part(sums: Sums) -> "dict[str, Array]":
    """Return loss and perplexity of each part that has sums `nll.<part>` and `tokens.<part>`."""
    found: dict[str, Array] = {}
    parts = sorted(name.partition(".")[2] for name in sums if name.startswith("nll."))
    for name in parts if len(parts) > 1 else []:
        loss = sums[f"nll.{name}"] / sums[f"tokens.{name}"]
        found |= {f"loss.{name}": loss, f"perplexity.{name}": perplexity(loss)}
    return found
