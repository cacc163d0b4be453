"""Hashes runs of words, to find what two texts or two sets of examples share.

The hashes are the same in every process and on every machine.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING
from zlib import crc32

from ftrecipe.data.example import Chat, Example, Preference, Where

if TYPE_CHECKING:
    import numpy as np

# Scripts that are written without spaces: each character counts as a word.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_ASCII_WORDS = re.compile(rb"\w+")
_MULTIPLIER = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2**64
_MASK = (1 << 64) - 1
_LONGEST = 4096  # words whose powers are kept; longer texts are hashed in pieces
_COMMON = 10  # rows of one set that share a run of words which then says nothing about any of them
_SHORTEST = 5  # words; shorter texts ("I don't know.") are the same by chance


def words(text: str) -> list[str]:
    """Return the words in lower case; of scripts without spaces the characters."""
    return _WORDS.findall(text.lower())


def _word_hashes(text: str) -> list[int]:
    if text.isascii():
        return list(map(crc32, _ASCII_WORDS.findall(text.lower().encode())))
    return [crc32(word.encode("utf-8", "surrogatepass")) for word in words(text)]


@cache
def _powers() -> "tuple[np.ndarray, np.ndarray]":
    """Return the powers of the multiplier and those of its inverse, modulo 2**64."""
    import numpy as np

    inverse = pow(_MULTIPLIER, -1, 1 << 64)
    up, down = [1], [1]
    for _ in range(_LONGEST):
        up.append(up[-1] * _MULTIPLIER & _MASK)
        down.append(down[-1] * inverse & _MASK)
    return np.array(up, np.uint64), np.array(down, np.uint64)


def word_ngrams(text: str, n: int) -> set[int]:
    """Return the 64-bit hashes of all runs of `n` words; of a shorter text that of all its words.

    A text without words has none. About 15 µs for 100 words.
    """
    return _ngrams(_word_hashes(text), n)


def _ngrams(hashes: list[int], n: int) -> set[int]:
    if not hashes:
        return set()
    n = min(n, len(hashes))
    step = _LONGEST - n + 1
    return {run for start in range(0, len(hashes) - n + 1, step)
            for run in _runs(hashes[start : start + step + n - 1], n)}  # fmt: skip


def _runs(hashes: list[int], n: int) -> list[int]:
    """Hash each window as the sum of word times power, brought back to the window's own start."""
    import numpy as np

    if n == 1:
        return [(one * _MULTIPLIER) & _MASK for one in hashes]
    count = len(hashes)
    up, down = _powers()
    sums = np.cumsum(np.array(hashes, np.uint64) * up[:count])
    runs = sums[n - 1 :].copy()
    runs[1:] -= sums[: count - n]
    return (runs * down[: count - n + 1]).tolist()


def spoken(example: Example) -> list[str]:
    """Return the texts of an example without system prompts, which many examples share."""
    if isinstance(example, Chat):
        return [m["content"] for m in example.messages if m["role"] in _SPEAKERS]
    if isinstance(example, Preference):
        said = [*example.messages, *example.chosen, *example.rejected]
        return [m["content"] for m in said if m["role"] in _SPEAKERS]
    return example.texts()


_SPEAKERS = ("user", "assistant")


class Overlap:
    """Finds texts that share `n` words in a row with texts it has learned.

    A text of fewer words is found where the whole of it was learned: if it has five words, or if
    all texts of its row together are the same. A run of words that ten learned rows share is a
    form of theirs, not their content, and does not count; `alike` says so also of one that more
    than half of few rows share: their instruction. Takes about 100 bytes a learned word.
    """

    def __init__(self, n: int, alike: bool = False) -> None:
        self.n, self.alike = n, alike
        self._rows: list[Where] = []
        self._first: dict[int, int] = {}  # the run: the number of the first row that has it
        self._more: dict[int, int] = {}  # the run: how many other rows have it

    def learn(self, where: Where, texts: Iterable[str]) -> None:
        """Remember the texts of one row."""
        row = len(self._rows)
        self._rows.append(where)
        for run in self._keys(list(texts)):
            if self._first.setdefault(run, row) != row:
                self._more[run] = self._more.get(run, 1) + 1

    def find(self, texts: Iterable[str]) -> Where | None:
        """Return the first learned row that one of the texts overlaps with, or None."""
        first, more = self._first, self._more
        common = min(_COMMON, len(self._rows) // 2 + 1) if self.alike else _COMMON
        found = [first[run] for run in self._keys(list(texts))
                 if run in first and (run not in more or more[run] < common)]  # fmt: skip
        return self._rows[min(found)] if found else None

    def _keys(self, texts: Sequence[str]) -> set[int]:
        hashed = [_word_hashes(text) for text in texts]
        least = min(self.n, _SHORTEST)
        keys = {run for one in hashed if len(one) >= least for run in _ngrams(one, self.n)}
        whole = list(chain.from_iterable(hashed))
        return keys | _ngrams(whole, self.n) if len(whole) < self.n else keys
