"""Says what prepared rows mean for training: packing, steps an epoch, recommended lengths."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from ftrecipe.data.packing import pack

_MOST_PACKED = 100_000  # rows that are laid out to say how well they pack; more are sampled
_ROUND = 64  # a max_length is a multiple of this
# Steps below which a tune has hardly begun, and epochs above which it learns by heart.
_ENOUGH_STEPS, _MOST_EPOCHS = 200, 10


def schedule(
    lengths: Sequence[int], max_length: int | None, packing: bool, rows_per_step: int, seed: int
) -> dict[str, Any]:
    """Return packing efficiency, rows and steps of an epoch, and what is recommended.

    packing_efficiency: the share of tokens, not padding, in rows packed to `max_length`, else to
    the longest row. steps_per_epoch: optimizer steps of `rows_per_step` rows, packed if asked.
    """
    if not lengths:
        return {"packing_efficiency": None, "padding_efficiency": None, "steps_per_epoch": 0,
                "recommended": None}  # fmt: skip
    capacity = max(max_length or 0, max(lengths))
    some = lengths[:: -(-len(lengths) // _MOST_PACKED)]
    packed = len(pack(some, capacity, seed))
    rows = round(packed * len(lengths) / len(some)) if packing else len(lengths)
    steps = math.ceil(rows / rows_per_step)
    return {
        "packing_efficiency": round(sum(some) / (packed * capacity), 4),
        "padding_efficiency": round(sum(lengths) / (len(lengths) * max(lengths)), 4),
        "steps_per_epoch": steps,
        "recommended": _recommended(Counter(lengths), steps),
    }


def _recommended(lengths: Counter[int], steps: int) -> dict[str, Any]:
    ordered = sorted(lengths)
    upto = list(accumulate(lengths[length] for length in ordered))
    fits = ordered[bisect_left(upto, math.ceil(0.99 * upto[-1]))]
    epochs = min(_MOST_EPOCHS, max(1, math.ceil(_ENOUGH_STEPS / max(1, steps))))
    return {
        "max_length": -(-fits // _ROUND) * _ROUND,
        "num_train_epochs": epochs,
        "because": f"99 % of rows have at most {fits:,} tokens; {steps:,} steps an epoch, and a "
        f"tune takes about {_ENOUGH_STEPS} or more ({_MOST_EPOCHS} epochs at most)",
    }
