"""Divides examples into train, validation and test: by what they ask, by group, or by time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import TYPE_CHECKING

from ftrecipe.data.example import Example, RowFault
from ftrecipe.errors import DataError

if TYPE_CHECKING:
    from numpy import ndarray

SPLITS = ("train", "validation", "test")
HELD_OUT = ("test", "validation")

_ENOUGH = 10  # rows from which on every split that is asked for gets at least one


class SplitBy(Enum):
    """What keeps examples together, and in which order they are divided.

    prompt: equal questions stay together; a conversation always does. group: equal values of
    `column` do. time: the newest are held out, by `column` or a chat's own time.
    """

    prompt = "prompt"
    group = "group"
    time = "time"


@dataclass
class Split:
    """The share of rows in each split, and what decides on which side a row falls."""

    train: float = 0.9
    validation: float = 0.05
    test: float = 0.05
    by: SplitBy = SplitBy.prompt
    column: str | None = None


def fraction_faults(split: Split) -> list[str]:
    """Say what is wrong with the settings, if anything."""
    shares = {name: getattr(split, name) for name in SPLITS}
    faults = [f"dataset.split.{name}={share} is below 0" for name, share in shares.items()
              if share < 0]  # fmt: skip
    total = sum(shares.values())
    if not faults and abs(total - 1) > 1e-6:
        said = ", ".join(f"{name}={share}" for name, share in shares.items())
        faults.append(f"dataset.split must add up to 1, not {total:g} ({said})")
    return faults


def shares(split: Split, from_files: Collection[str]) -> dict[str, float]:
    """Return each split's share of the main file, when the splits in `from_files` have their own.

    Raises DataError for fractions that are negative or do not add up to 1.
    """
    if faults := fraction_faults(split):
        raise DataError(faults)
    left = {name: 0.0 if name in from_files else getattr(split, name) for name in SPLITS}
    total = sum(left.values())
    if total == 0:
        return {**left, "train": 1.0}
    return {name: share / total for name, share in left.items()}


def prompt_key(prompt: str) -> bytes:
    """Return a short key that is equal for prompts that differ only in case and spaces."""
    return blake2b(" ".join(prompt.casefold().split()).encode(), digest_size=8).digest()


def group_key(example: Example) -> bytes:
    """Return the key of what must stay on one side: the example's group, else its prompt."""
    if example.group is None:
        return prompt_key(example.prompt)
    return blake2b(example.group.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def text_key(example: Example) -> bytes:
    """Return a key that is equal for examples of the same words."""
    return prompt_key("\0".join(example.texts()))


def _rank(key: bytes, seed: int) -> int:
    return int.from_bytes(blake2b(f"{seed} ".encode() + key, digest_size=8).digest())


class Keys:
    """The group, content and time of every example, eight bytes each.

    Groups that hold an example of the same words are one: a duplicate never straddles a split.
    """

    def __init__(self) -> None:
        self.groups, self.texts, self.times = bytearray(), bytearray(), bytearray()
        self.count = 0
        self._linked = False  # whether any example has a group of its own

    def add(self, example: Example, by: SplitBy) -> None:
        """Note one example. Raises RowFault where its time is asked for and not known."""
        self.groups += group_key(example)
        self._linked = self._linked or example.group is not None
        if example.group is not None or by is SplitBy.time:
            self.texts += text_key(example)
        else:
            self.texts += bytes(8)
        if by is SplitBy.time:
            self.times += _seconds(example)
        self.count += 1

    def place(self, wanted: dict[str, float], seed: int, by: SplitBy) -> list[str]:
        """Return the split of each example: shares as near as groups allow, in any row order."""
        import numpy

        if not self.count:
            return []
        keys = numpy.frombuffer(bytes(self.groups), dtype=">u8")
        if self._linked:
            keys = _joined(keys, numpy.frombuffer(bytes(self.texts), dtype=">u8"))
        found, member, sizes = numpy.unique(keys, return_inverse=True, return_counts=True)
        if by is SplitBy.time:
            times = numpy.frombuffer(bytes(self.times), dtype="f8")
            newest = numpy.full(len(found), -numpy.inf)
            numpy.maximum.at(newest, member, times)
            order = numpy.argsort(-newest, kind="stable")
        else:
            ranks = [_rank(key.tobytes(), seed) for key in found.astype(">u8")]
            order = numpy.argsort(numpy.array(ranks, dtype="u8"), kind="stable")
        names = _divided(order, sizes, wanted, self.count, in_order=by is SplitBy.time)
        return [names[at] for at in member.tolist()]


def _seconds(example: Example) -> bytes:
    import struct

    if example.time is None:
        raise RowFault("has no time to split by (dataset.split.by=time)")
    return struct.pack("d", example.time.timestamp())


def _joined(groups: "ndarray", texts: "ndarray") -> "ndarray":
    """Return group keys in which groups with an example in common have the same one."""
    import numpy

    parent: dict[int, int] = {}

    def root(key: int) -> int:
        while (above := parent.get(key, key)) != key:
            parent[key] = parent.get(above, above)
            key = above
        return key

    first: dict[int, int] = {}
    for group, text in zip(groups.tolist(), texts.tolist(), strict=True):
        other = first.setdefault(text, group)
        if root(other) != root(group):
            parent[root(group)] = root(other)
    return numpy.array([root(group) for group in groups.tolist()], dtype=">u8")


def _divided(
    order: "ndarray", sizes: "ndarray", wanted: dict[str, float], rows: int, in_order: bool
) -> list[str]:
    """Return each group's split. In order of time, a split ends where the next group is too big."""
    names = ["train"] * len(order)
    free = order.tolist()
    for name in HELD_OUT:
        target = round(rows * wanted[name])
        if wanted[name] > 0 and rows >= _ENOUGH:
            target = max(1, target)
        taken = _take(free, sizes, target, in_order)
        for group in taken:
            names[group] = name
        free = [group for group in free if group not in taken]
    return names


def _take(free: list[int], sizes: "ndarray", target: int, in_order: bool) -> set[int]:
    """Return groups of at most `target` rows; one at least, if another one is left."""
    taken: set[int] = set()
    count = 0
    for group in free:
        if count == target:
            break
        if count + sizes[group] <= target:
            taken.add(group)
            count += int(sizes[group])
        elif in_order:
            break
    if target and not taken and len(free) > 1:
        return {free[0] if in_order else min(free, key=lambda group: int(sizes[group]))}
    return taken


def place_one(key: bytes, wanted: dict[str, float], seed: int) -> str:
    """Return the split of one key of a stream: shares hold on average, equal keys together."""
    point = _rank(key, seed) / 2**64
    if point < wanted["test"]:
        return "test"
    return "validation" if point < wanted["test"] + wanted["validation"] else "train"
