"""Draws examples from several streams in turn, by their sizes or by weights."""

import random
from collections.abc import Iterator

from ftrecipe.data.example import Example
from ftrecipe.data.spool import Spool


def shuffled(streams: list[Iterator[Example]], chance: random.Random) -> Iterator[Example]:
    """Yield every example once, each source's in its own order, evenly mixed."""
    spools = [_spooled(stream) for stream in streams]
    left = [spool.count for spool in spools]
    readers = [iter(spool) for spool in spools]
    while any(left):
        [at] = chance.choices(range(len(left)), left)
        left[at] -= 1
        yield next(readers[at])


def _spooled(stream: Iterator[Example]) -> Spool:
    spool = Spool()
    for example in stream:
        spool.add(example)
    return spool


def drawn(
    streams: list[Iterator[Example]], weights: list[float], chance: random.Random, once: bool
) -> Iterator[Example]:
    """Yield examples of sources drawn by weight, until the first one, or the last one, is read.

    A source that is read begins again in the latter case; one without examples is left out.
    """
    readers = [_Again(stream, once) for stream in streams]
    while not all(reader.empty for reader in readers):
        chances = [0.0 if r.empty else w for r, w in zip(readers, weights, strict=True)]
        [at] = chance.choices(range(len(readers)), chances)
        example = readers[at].next()
        ends = any(r.ended for r in readers) if once else all(r.ended for r in readers)
        if example is not None:
            yield example
        if ends:
            return


class _Again:
    """A stream that can begin again; one example is read ahead, to know when it ends."""

    def __init__(self, stream: Iterator[Example], once: bool) -> None:
        self._stream, self._spool = stream, None if once else Spool()
        self._ahead = next(stream, None)
        self.empty = self._ahead is None
        self.ended = self.empty and not once

    def next(self) -> Example | None:
        """Return the next example; after the last one the first again, if it is to begin again."""
        example, self._ahead = self._ahead, next(self._stream, None)
        if self._spool is not None and example is not None and not self.ended:
            self._spool.add(example)
        if self._ahead is None:
            self.ended = True
            if self._spool is not None:
                self._stream = iter(self._spool)
                self._ahead = next(self._stream, None)
        return example
