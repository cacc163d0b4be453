"""Gathers all examples of a dataset, clean, each with the split that it belongs to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ftrecipe.data.cleaning import Cleaning, Quarantine, Step, hider
from ftrecipe.data.example import ColumnFault, Example, Where
from ftrecipe.data.read import Source, read_examples
from ftrecipe.data.reading import Reading
from ftrecipe.data.split import HELD_OUT, SPLITS, Keys, SplitBy, group_key, place_one, shares
from ftrecipe.data.spool import Spool
from ftrecipe.errors import DataError

Placed = tuple[str, Example]


@dataclass
class Corpus:
    """Examples in their splits, held-out ones first; `total` is None while streaming."""

    readings: list[Reading]
    cleanings: list[Cleaning]
    rows: Iterable[Placed]
    total: int | None
    quarantine: Quarantine
    refused: list[str]  # why reading ended early; a stream's are known once it was read

    def refuse(self) -> None:
        """Raise DataError where a file could not be read to its end."""
        if self.refused:
            raise DataError(self.refused)


def gather(
    source: Source, steps: Sequence[Step], seed: int, quarantine: Path | None = None
) -> Corpus:
    """Return the clean examples of all of a dataset's files.

    What is malformed or dropped is counted in `readings` and `cleanings`, and kept in the file
    `quarantine`. A file that cannot be read at all ends the reading, and is told in `refused`.
    """
    return Gathering(source, steps, seed, quarantine).corpus()


class Gathering:
    """Reads every file of a dataset once, and divides what the main one holds."""

    def __init__(
        self, source: Source, steps: Sequence[Step], seed: int, quarantine: Path | None
    ) -> None:
        self.source, self.steps, self.seed = source, steps, seed
        self.parts = source.parts(steps)
        every = [step for _, own in self.parts for step in own]
        self.quarantine = Quarantine(quarantine, hider(every))
        self.readings: list[Reading] = []
        self.cleanings: list[Cleaning] = []
        self.given = {split: path for split, path in (("test", source.test_path),
                      ("validation", source.validation_path)) if path}  # fmt: skip
        self.wanted = shares(source.split, self.given)
        self.refused: list[str] = []

    def corpus(self) -> Corpus:
        """Return all examples; those of a stream are read as they are asked for."""
        if self.source.streaming:
            return self._corpus(self._stream(), None)
        held = {split: self._spooled(self._file(self.source, self.steps, path))
                for split, path in self.given.items()}  # fmt: skip
        keys = Keys()
        main = self._spooled(self._main(), keys)
        placed = keys.place(self.wanted, self.seed, self.source.split.by)
        total = main.count + sum(spool.count for spool in held.values())
        return self._corpus(_held_out_first(held, main, placed), total)

    def _corpus(self, rows: Iterable[Placed], total: int | None) -> Corpus:
        return Corpus(
            self.readings, self.cleanings, rows, total, self.quarantine, self.refused
        )  # fmt: skip

    def _readable(self, examples: Iterable[Example]) -> Iterator[Example]:
        """Yield examples until a file cannot be read; after that, none of any file."""
        if self.refused:
            return
        try:
            yield from examples
        except DataError as error:
            self.refused += error.faults

    def _spooled(self, examples: Iterable[Example], keys: Keys | None = None) -> Spool:
        spool = Spool()
        for example in self._readable(examples):
            if keys is not None:
                keys.add(example, self.source.split.by)
            spool.add(example)
        return spool

    def _main(self) -> Iterator[Example]:
        """Yield the examples of the main file, or of all sources of a mix by its rule."""
        streams = [self._file(part, steps, part.path) for part, steps in self.parts]
        if self.source.split.by is SplitBy.time:
            streams = list(map(_timed, streams, self.readings[-len(streams) :]))
        given = _Given()
        streams = [given.counted(stream) for stream in streams]
        for example in self.source.interleaved(streams, self.seed):
            given.taken += 1
            yield example
        if note := given.note():
            self.readings[-1].note(note)

    def _file(self, source: Source, steps: Sequence[Step], path: str | None) -> Iterator[Example]:
        """Return the clean examples of one path."""
        if path is None:
            raise DataError("dataset.path is not set; add dataset.path=<file or hub id>")
        quarantine = self.quarantine.of(path)
        reading = Reading(path, quarantine=quarantine)
        cleaning = Cleaning.of(steps, quarantine)
        self.readings.append(reading)
        self.cleanings.append(cleaning)
        return read_examples(source, reading, cleaning)

    def _stream(self) -> Iterator[Placed]:
        for split, path in self.given.items():
            for example in self._readable(self._file(self.source, self.steps, path)):
                yield split, example
        for example in self._readable(self._main()):
            yield place_one(group_key(example), self.wanted, self.seed), example


@dataclass
class _Given:
    """How many clean examples all sources gave, and how many of a mix were drawn."""

    count: int = 0
    taken: int = 0

    def counted(self, examples: Iterable[Example]) -> Iterator[Example]:
        """Yield the examples."""
        for example in examples:
            self.count += 1
            yield example

    def note(self) -> str | None:
        """Say so where sampling left examples out, or took some several times."""
        rows = f"{self.count:,} examples of all sources"
        if self.taken < self.count:
            return f"drawing by weights took {self.taken:,} of {rows}"
        if self.taken > self.count:
            return f"drawing by weights made {self.taken:,} of {rows}: some are there repeatedly"
        return None


def _timed(examples: Iterable[Example], reading: Reading) -> Iterator[Example]:
    """Yield the examples that have a time; each row of the others is a bad one."""
    last: Where | None = None
    for example in examples:
        if example.time is not None:
            yield example
        elif example.where != last:
            last = example.where
            reading.used -= 1
            reading.fault(last, ColumnFault(
                "has no time to split by; name its column, dataset.split.column=<column>"
            ), example.plain())  # fmt: skip


def _held_out_first(held: dict[str, Spool], main: Spool, placed: bytes) -> Iterator[Placed]:
    for split, spool in held.items():
        for example in spool:
            yield split, example
    for kept in (HELD_OUT, ("train",)):
        for code, example in zip(placed, main, strict=True):
            if (split := SPLITS[code]) in kept:
                yield split, example
