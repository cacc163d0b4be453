"""Decides in which order rows are trained on: a pure function of seed and epoch."""

import random
from collections.abc import Iterator, Sequence

from torch.utils.data import Sampler

POOL_BATCHES = 50
"""Batches sorted by length at a time: enough that padding nearly goes, few enough to stay mixed."""


def length_grouped(lengths: Sequence[int], batch_size: int, together: int, seed: int) -> list[int]:
    """An order in which each run of `batch_size` rows is of like length, and runs are shuffled.

    Args:
        lengths: tokens of each row.
        batch_size: rows that are padded together.
        together: batches that are trained on at the same moment, one a process; they are kept of
            like length as well, so that no process waits for another.
        seed: the shuffle.

    Returns:
        A permutation of the rows, the group with the longest row first: what will not fit in
        memory fails in the first step.
    """
    chance = random.Random(seed)
    order = list(range(len(lengths)))
    chance.shuffle(order)
    unit = batch_size * together
    pool = unit * max(1, POOL_BATCHES // together)
    groups: list[list[int]] = []
    for start in range(0, len(order), pool):
        sorted_pool = sorted(order[start : start + pool], key=lengths.__getitem__, reverse=True)
        groups += [sorted_pool[at : at + unit] for at in range(0, len(sorted_pool), unit)]
    # A short group may only come last: elsewhere it would shift the bounds of all that follow.
    tail = [groups.pop()] if groups and len(groups[-1]) < unit else []
    chance.shuffle(groups)
    return [row for group in _longest_first(groups, lengths) + tail for row in group]


def _longest_first(groups: list[list[int]], lengths: Sequence[int]) -> list[list[int]]:
    """Swap the group that holds the longest row to the front; groups are sorted, longest first."""
    if groups:
        longest = max(range(len(groups)), key=lambda at: lengths[groups[at][0]])
        groups[0], groups[longest] = groups[longest], groups[0]
    return groups


class EpochSampler(Sampler[int]):
    """Row indices in an order that only seed and epoch decide, so that a resumed run repeats it.

    transformers' own length-grouped sampler draws from torch's global generator, whose state at
    the start of a later epoch a resumed run does not have.
    """

    def __init__(
        self, lengths: Sequence[int] | None, rows: int, batch_size: int, together: int, seed: int
    ) -> None:
        """Group by `lengths`, or shuffle plainly when they are None; `rows` is the data's size."""
        self.lengths = lengths
        self.rows = rows
        self.batch_size = batch_size
        self.together = together
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; the next iteration follows it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[int]:
        seed = self.seed * 1_000_003 + self.epoch  # apart for any two epochs of any two runs
        if self.lengths is None:
            order = list(range(self.rows))
            random.Random(seed).shuffle(order)
            return iter(order)
        return iter(length_grouped(self.lengths, self.batch_size, self.together, seed))
