"""Decides in which order rows are trained on: a pure function of seed and epoch."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch.utils.data import Sampler

POOL_ROWS = 800
"""Rows sorted by length at a time: enough that padding nearly goes, few enough to stay mixed."""


def length_grouped(lengths: Sequence[int], together: int, seed: int) -> list[int]:
    """An order in which each run of `together` rows is of like length, and runs are shuffled.

    Args:
        lengths: tokens of each row.
        together: rows of one optimizer step, on all processes. Nothing smaller counts, so that
            the same rows meet in a step however many processes share it; and since these are of
            like length, no process waits for another.
        seed: the shuffle.

    Returns:
        A permutation of the rows, the group with the longest row first: what will not fit in
        memory fails in the first step.
    """
    chance = random.Random(seed)
    order = list(range(len(lengths)))
    chance.shuffle(order)
    pool = together * max(1, round(POOL_ROWS / together))
    groups: list[list[int]] = []
    for start in range(0, len(order), pool):
        sorted_pool = sorted(order[start : start + pool], key=lengths.__getitem__, reverse=True)
        groups += [sorted_pool[at : at + together] for at in range(0, len(sorted_pool), together)]
    # A short group may only come last: elsewhere it would shift the bounds of all that follow.
    tail = [groups.pop()] if groups and len(groups[-1]) < together else []
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
        self, lengths: Sequence[int] | None, rows: int, together: int, seed: int, filled_to: int = 1
    ) -> None:
        """Group by `lengths`, or shuffle plainly when they are None; `rows` is the data's size.

        An epoch is filled up to a multiple of `filled_to` with the index that follows the last
        row's, where a blank row stands: every process then has as many batches as the others.
        """
        self.lengths = lengths
        self.rows = rows
        self.together = together
        self.seed = seed
        self.blanks = -rows % filled_to
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch; the next iteration follows it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.rows + self.blanks

    def __iter__(self) -> Iterator[int]:
        return iter(self.order(self.epoch))

    def order(self, epoch: int) -> list[int]:
        """Return the rows of an epoch in their order, and what fills it up."""
        return self._shuffled(epoch) + [self.rows] * self.blanks

    def _shuffled(self, epoch: int) -> list[int]:
        seed = self.seed * 1_000_003 + epoch  # apart for any two epochs of any two runs
        if self.lengths is None:
            order = list(range(self.rows))
            random.Random(seed).shuffle(order)
            return order
        return length_grouped(self.lengths, self.together, seed)


@dataclass(frozen=True)
class Share:
    """Which rows fall to one process of several: of every `world` batches in turn its own one.

    A pure function of the sampler, so that nothing has to be carried along with the batches.
    """

    sampler: EpochSampler
    batch_size: int
    accumulation: int = 1
    world: int = 1
    rank: int = 0

    @property
    def steps_per_epoch(self) -> int:
        """The optimizer steps of an epoch; the last one may have fewer micro-batches."""
        batches = math.ceil(len(self.sampler) / self.batch_size / self.world)
        return math.ceil(batches / self.accumulation)

    def rows(self, step: int) -> list[list[int]]:
        """Return the rows of each micro-batch of an optimizer step, counted from 1; no blanks."""
        epoch, within = divmod(step - 1, self.steps_per_epoch)
        order = self.sampler.order(epoch)
        first = within * self.accumulation
        starts = [
            (number * self.world + self.rank) * self.batch_size
            for number in range(first, first + self.accumulation)
        ]
        held = [order[start : start + self.batch_size] for start in starts if start < len(order)]
        return [[row for row in batch if row < self.sampler.rows] for batch in held]


def in_order(lengths: Sequence[int], filled_to: int) -> Sampler[int]:
    """Every row once, the longest first, filled up as an epoch is."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    return Listed(order + [len(order)] * (-len(order) % filled_to))


class Listed(Sampler[int]):
    """Indices in the order given."""

    def __init__(self, indices: list[int]) -> None:
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)
