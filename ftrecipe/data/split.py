"""Divides examples into train, validation and test by what they ask, never by file order."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from ftrecipe.errors import DataError

SPLITS = ("train", "validation", "test")
HELD_OUT = ("test", "validation")

_ENOUGH = 10  # rows from which on every split that is asked for gets at least one


@dataclass
class Split:
    """The share of rows in each split."""

    train: float = 0.9
    validation: float = 0.05
    test: float = 0.05


def fraction_faults(split: Split) -> list[str]:
    """Say what is wrong with the fractions, if anything."""
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


def _rank(key: bytes, seed: int) -> int:
    return int.from_bytes(blake2b(f"{seed} ".encode() + key, digest_size=8).digest())


def place(keys: Sequence[bytes], wanted: dict[str, float], seed: int) -> list[str]:
    """Return the split of each key: exact shares, equal keys together, any order of rows."""
    sizes = Counter(keys)
    order = sorted(sizes, key=lambda key: (_rank(key, seed), key))
    placed: dict[bytes, str] = {}
    for name in HELD_OUT:
        target = round(len(keys) * wanted[name])
        if wanted[name] > 0 and len(keys) >= _ENOUGH:
            target = max(1, target)
        free = [key for key in order if key not in placed]
        placed.update(dict.fromkeys(_take(free, sizes, target), name))
    return [placed.get(key, "train") for key in keys]


def _take(order: list[bytes], sizes: Counter[bytes], target: int) -> list[bytes]:
    """Return keys of at most `target` rows; one group at least, if another one is left."""
    taken: list[bytes] = []
    count = 0
    for key in order:
        if count + sizes[key] <= target:
            taken.append(key)
            count += sizes[key]
    if target and not taken and len(order) > 1:
        return [min(order, key=sizes.__getitem__)]
    return taken


def place_one(key: bytes, wanted: dict[str, float], seed: int) -> str:
    """Return the split of one key of a stream: shares hold on average, equal keys together."""
    point = _rank(key, seed) / 2**64
    if point < wanted["test"]:
        return "test"
    return "validation" if point < wanted["test"] + wanted["validation"] else "train"
