"""Divides examples into train, validation and test: by what they ask, by group, or by time."""

import datetime
import math
import struct
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import blake2b
from typing import Any

from ftrecipe.data.columns import column_of
from ftrecipe.data.example import ColumnFault, Example, RowFault
from ftrecipe.errors import DataError, listed
from ftrecipe.registry import bounded

SPLITS = ("train", "validation", "test")
HELD_OUT = ("test", "validation")

_MANY = 100_000  # rows from which on numpy is worth its import
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

    train: float = bounded(0.9, 0, 1)
    validation: float = bounded(0.05, 0, 1)
    test: float = bounded(0.05, 0, 1)
    by: SplitBy = SplitBy.prompt
    column: str | None = None


def fraction_faults(split: Split) -> list[str]:
    """Say what is wrong with the settings, if anything."""
    if split.by is SplitBy.group and split.column is None:
        return ["dataset.split.by=group needs dataset.split.column=<column>"]
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
        if example.group is not None and not self._linked:
            self._linked = True
            self.texts += bytes(8 * self.count)
        if self._linked:
            self.texts += text_key(example) if example.group is not None else bytes(8)
        if by is SplitBy.time:
            self.times += _seconds(example)
        self.count += 1

    def place(self, wanted: dict[str, float], seed: int, by: SplitBy) -> bytes:
        """Return the split of each example as its index in SPLITS.

        Shares are as near as groups allow; the order of rows makes no difference.
        """
        if not self.count or not any(wanted[name] for name in HELD_OUT):
            return bytes(self.count)
        keys: Sequence[int] = array("Q", bytes(self.groups))
        if self._linked:
            keys = _joined(keys, array("Q", bytes(self.texts)))
        found, member, sizes = _unique(keys)
        if by is SplitBy.time:
            newest = [-math.inf] * len(found)
            for group, time in zip(member, array("d", bytes(self.times)), strict=True):
                newest[group] = max(newest[group], time)
            order = sorted(range(len(found)), key=lambda group: -newest[group])
        else:
            ranks = array("Q", (_rank(struct.pack("=Q", key), seed) for key in found))
            order = _sorted(ranks)
        codes = _divided(order, sizes, wanted, self.count, in_order=by is SplitBy.time)
        return bytes(map(codes.__getitem__, member))


def _unique(keys: Sequence[int]) -> tuple[Any, Any, Any]:
    """Return the different keys, which of them each key is, and how often each occurs."""
    if len(keys) > _MANY:  # a plan of small data needs no numpy
        import numpy

        return numpy.unique(numpy.array(keys), return_inverse=True, return_counts=True)
    counts = Counter(keys)
    found = sorted(counts)
    index = {key: at for at, key in enumerate(found)}
    return found, [index[key] for key in keys], [counts[key] for key in found]


def _sorted(ranks: "array[int]") -> Any:
    """Return the positions of ranks, the lowest first."""
    if len(ranks) > _MANY:
        import numpy

        return numpy.argsort(numpy.array(ranks), kind="stable")
    return sorted(range(len(ranks)), key=ranks.__getitem__)


def grouped(example: Example, record: Mapping[str, Any], split: Split) -> Example:
    """Return the example with what `split.column` says of its record. Raises RowFault."""
    if split.column is None:
        return example
    column = column_of(record, [split.column])
    if column is None:
        columns = listed([str(key) for key in record])
        raise ColumnFault(f"no column {split.column!r} (dataset.split.column); columns: {columns}")
    value = record[column]
    if split.by is SplitBy.time:
        return replace(example, time=_time(value, column))
    return replace(example, group=f"{column}={value}")


def _time(value: Any, column: str) -> datetime.datetime:
    """Read a time: ISO 8601, or seconds since 1970."""
    try:
        if isinstance(value, datetime.datetime):
            return value
        if isinstance(value, int | float) or str(value).replace(".", "", 1).isdigit():
            return datetime.datetime.fromtimestamp(float(value), datetime.UTC)
        return datetime.datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        raise RowFault(
            f'column "{column}" holds {str(value)[:40]!r}, not a time (2026-01-31T12:00, or seconds'
            " since 1970)"
        ) from None


def _seconds(example: Example) -> bytes:
    if example.time is None:
        raise RowFault("has no time to split by (dataset.split.by=time)")
    return struct.pack("d", example.time.timestamp())


def _joined(groups: Sequence[int], texts: Sequence[int]) -> Sequence[int]:
    """Return group keys in which groups with an example in common have the same one."""
    parent: dict[int, int] = {}

    def root(key: int) -> int:
        while (above := parent.get(key, key)) != key:
            parent[key] = parent.get(above, above)
            key = above
        return key

    first: dict[int, int] = {}
    for group, text in zip(groups, texts, strict=True):
        other = first.setdefault(text, group) if text else group  # 0: it came before any group
        kept, joined = sorted((root(other), root(group)))
        if kept != joined:
            parent[joined] = kept  # the smaller one, whatever the order of rows
    return array("Q", map(root, groups))


def _divided(
    order: Sequence[int], sizes: Sequence[int], wanted: dict[str, float], rows: int, in_order: bool
) -> bytearray:
    """Return each group's index in SPLITS; in order of time, a split ends at the first misfit."""
    codes = bytearray(len(order))
    for name in HELD_OUT:
        target = round(rows * wanted[name])
        if wanted[name] > 0 and rows >= _ENOUGH:
            target = max(1, target)
        for group in _take((at for at in order if not codes[at]), sizes, target, in_order):
            codes[group] = SPLITS.index(name)
    return codes


def _take(free: Iterator[int], sizes: Sequence[int], target: int, in_order: bool) -> list[int]:
    """Return groups of at most `target` rows; one at least, if another one is left."""
    taken: list[int] = []
    passed: list[int] = []  # of these one is taken where none fits
    left = target
    for group in free:
        if sizes[group] <= left:
            taken.append(group)
            left -= sizes[group]
        elif in_order:
            alone = next(free, None) is None
            return taken if taken or alone or not target else [group]
        else:
            passed.append(group)
            if taken and not left:
                break
    if target and not taken and len(passed) > 1:
        return [min(passed, key=sizes.__getitem__)]
    return taken


def place_one(key: bytes, wanted: dict[str, float], seed: int) -> str:
    """Return the split of one key of a stream: shares hold on average, equal keys together."""
    point = _rank(key, seed) / 2**64
    if point < wanted["test"]:
        return "test"
    return "validation" if point < wanted["test"] + wanted["validation"] else "train"
