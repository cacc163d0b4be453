"""Drops examples nearly the same as an earlier one: MinHash finds them, Jaccard decides."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.components.cleaning import GROUP, Cleaning, Log, package_faults
from ftrecipe.components.cleaning.parts import By, compared
from ftrecipe.data.example import Example, Where
from ftrecipe.data.ngrams import word_ngrams, words
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    import numpy as np

_BATCH = 256
_SEED = 1
_MISSED = 0.02  # share of pairs just at the threshold that may be missed
_FEW = 4  # times `ngram` words; below it characters are compared


@GROUP.option("near_duplicates")
@dataclass
class NearDuplicates(Cleaning):
    """One of several examples that share most of their runs of `ngram` words, the first.

    threshold: how much of both is shared (Jaccard). Short texts are compared by characters. Takes
    about 2.6 kB of memory an example of 100 words that is kept.
    """

    quick: ClassVar[bool] = False

    threshold: float = bounded(0.8, 0.3, 1)
    ngram: int = bounded(5, 1, 50)
    num_perm: int = bounded(128, 16, 1024)
    by: By = By.example

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        index = _Index(self.threshold, self.num_perm)
        rest = iter(examples)
        while batch := list(islice(rest, _BATCH)):
            texts = [compared(example, self.by) for example in batch]
            shingles = [shingled(text, self.ngram) for text in texts]
            for example, like in zip(batch, index.add(shingles, batch), strict=True):
                if like is None:
                    yield example
                else:
                    log.drop(example, "nearly the same as an earlier one", f"({like})")

    def faults(self) -> list[str]:
        return package_faults("threshold", "rensa", "numpy")


def bands(threshold: float, num_perm: int) -> int:
    """Return in how many bands a sketch is cut so that similar texts share one: as few as do."""
    for count in range(1, num_perm + 1):
        if num_perm % count == 0:
            found = 1 - (1 - threshold ** (num_perm // count)) ** count
            if found >= 1 - _MISSED:
                return count
    return num_perm


def shingled(text: str, n: int) -> "np.ndarray":
    """Return the sorted 32-bit hashes of a text's runs of `n` words, or of characters if short."""
    import numpy as np

    said = words(text)
    if len(said) < _FEW * n:
        text = " ".join(f"{ord(character):x}" for character in " ".join(said))
    runs = word_ngrams(text, n)
    return np.unique((np.fromiter(runs, np.uint64, len(runs)) >> np.uint64(32)).astype(np.uint32))


class _Index:
    """What was kept so far: its sketches by band, its shingles, and where it stands."""

    def __init__(self, threshold: float, num_perm: int) -> None:
        from rensa import RMinHashLSH  # pyright: ignore[reportAttributeAccessIssue]

        self.threshold, self.num_perm = threshold, num_perm
        count = bands(threshold, num_perm)
        self._lsh = RMinHashLSH(threshold=threshold, num_perm=num_perm, num_bands=count)
        self._shingles: list[bytes] = []
        self._places: list[Where] = []

    def add(self, shingles: "list[np.ndarray]", examples: list[Example]) -> Iterator[Where | None]:
        """Yield of each example the one it is like, or None, and remember it."""
        from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]

        tokens = [[one.tobytes() for one in item] for item in shingles]
        sketches = RMinHash.from_token_sets(tokens, num_perm=self.num_perm, seed=_SEED)
        for sketch, own, example in zip(sketches, shingles, examples, strict=True):
            like = self._like(self._lsh.query(sketch), own) if len(own) else None
            if like is None and len(own):
                self._lsh.insert(len(self._places), sketch)
                self._shingles.append(own.tobytes())
                self._places.append(example.where)
            yield None if like is None else self._places[like]

    def _like(self, candidates: list[int], own: "np.ndarray") -> int | None:
        """Return the earliest of the candidates that truly is as similar as that."""
        import numpy as np

        for number in sorted(candidates):
            other = np.frombuffer(self._shingles[number], np.uint32)
            if min(len(own), len(other)) < self.threshold * max(len(own), len(other)):
                continue
            shared = len(np.intersect1d(own, other, assume_unique=True))
            if shared >= self.threshold * (len(own) + len(other) - shared):
                return number
        return None
