"""Drops examples that were seen before, but for case and white space."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from ftrecipe.components.cleaning import GROUP, Cleaning, Log
from ftrecipe.components.cleaning.parts import By, texts_in
from ftrecipe.data.example import Example

_FULL = 0.6  # share of filled places at which the table doubles
_STEP = 1 << 10  # places of a new table


class Seen:
    """A set of 64-bit numbers in 14 to 27 bytes each; a number is taken for its own hash."""

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _STEP))
        self._count = 0

    def add(self, key: int) -> bool:
        """Add a number. Say whether it is new."""
        key = key or 1  # 0 marks a free place
        at = self._place(key)
        if self._table[at] == key:
            return False
        self._table[at] = key
        self._count += 1
        if self._count > _FULL * len(self._table):
            self._grow()
        return True

    def _place(self, key: int) -> int:
        table, mask = self._table, len(self._table) - 1
        at = key & mask
        while table[at] not in (0, key):
            at = at + 1 & mask
        return at

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(2 * 8 * len(old)))
        for key in old:
            if key:
                self._table[self._place(key)] = key


@GROUP.option("exact_duplicates")
@dataclass
class ExactDuplicates(Cleaning):
    """One example of each kind, the first; takes at most 27 bytes of memory an example.

    by: example compares all that is said in it, prompt only what comes before the first answer.
    Each file of a dataset is looked at for itself; that no duplicate is on both sides of a split
    is seen to elsewhere.
    """

    by: By = By.example

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        seen = Seen()
        for example in examples:
            if seen.add(_key(example, self.by)):
                yield example
            else:
                log.drop(example, f"the same {self.by.value} as an earlier one")


def _key(example: Example, by: By) -> int:
    if by is By.prompt:
        return hashed(example.prompt)
    plain = example.plain()
    return hashed(" \0 ".join([*texts_in(plain), str(plain.get("label", ""))]))


def hashed(text: str) -> int:
    """Return a 64-bit hash of a text that case and white space do not change."""
    plain = " ".join(text.casefold().split())
    digest = blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
