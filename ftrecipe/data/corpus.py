"""Gathers all examples of a dataset, clean, each with the split that it belongs to."""

from collections import Counter, deque
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
    """Examples in their splits, held-out ones first; `total` is None where it is not known."""

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


@dataclass
class _Part:
    """The examples of one source, and in which split each is, as its index in SPLITS."""

    examples: Spool
    placed: bytes

    def held_out(self) -> Iterator[Placed]:
        """Yield those of the held-out splits."""
        for code, example in zip(self.placed, self.examples, strict=True):
            if SPLITS[code] in HELD_OUT:
                yield SPLITS[code], example

    def train(self) -> Iterator[Example]:
        """Yield those of the training split."""
        for code, example in zip(self.placed, self.examples, strict=True):
            if SPLITS[code] == "train":
                yield example


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
        spools = [self._spooled(stream, keys) for stream in self._streams()]
        placed = keys.place(self.wanted, self.seed, self.source.split.by)
        counts = [spool.count for spool in spools]
        starts = [sum(counts[:at]) for at in range(len(counts))]
        main = [_Part(spool, placed[at : at + spool.count])
                for at, spool in zip(starts, spools, strict=True)]  # fmt: skip
        total = sum(spool.count for spool in [*held.values(), *spools])
        return self._corpus(self._held_out_first(held, main),
                            None if self.source.draws_by_weight() else total)  # fmt: skip

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

    def _streams(self) -> list[Iterator[Example]]:
        """Return the examples of the main file, or of each source of a mix."""
        streams = [self._file(part, steps, part.path) for part, steps in self.parts]
        if self.source.split.by is SplitBy.time:
            streams = list(map(_timed, streams, self.readings[-len(streams) :]))
        if note := self.source.sampled():
            self.readings[-len(streams)].note(note)
        return self.source.labelled(streams)

    def _held_out_first(self, held: dict[str, Spool], main: list[_Part]) -> Iterator[Placed]:
        for split, spool in held.items():
            for example in spool:
                yield split, example
        for part in main:
            yield from part.held_out()
        for example in self._interleaved([part.train() for part in main]):
            yield "train", example

    def _interleaved(self, streams: list[Iterator[Example]]) -> Iterator[Example]:
        """Yield the training examples of all sources by the rule of a mix, counting them."""
        given = _Given(self.readings[-len(streams) :])
        for example in self.source.interleaved(list(map(given.counted, streams)), self.seed):
            given.taken[example.source] += 1
            yield example
        given.tell()

    def _file(self, source: Source, steps: Sequence[Step], path: str | None) -> Iterator[Example]:
        """Return the clean examples of one path."""
        if path is None and not source.given():
            raise DataError("dataset.path is not set; add dataset.path=<file or hub id>")
        quarantine = self.quarantine.of(path or "")
        reading = Reading(path or "", quarantine=quarantine)
        cleaning = Cleaning.of(steps, quarantine)
        self.readings.append(reading)
        self.cleanings.append(cleaning)
        return read_examples(source, reading, cleaning)

    def _stream(self) -> Iterator[Placed]:
        for split, path in self.given.items():
            for example in self._readable(self._file(self.source, self.steps, path)):
                yield split, example
        passed: list[Placed] = []  # held-out examples on the way to the next one to train
        streams = [self._trained(self._readable(one), passed) for one in self._streams()]
        for example in self._interleaved(streams):
            yield from passed
            passed.clear()
            yield "train", example
        if any(self.wanted[name] for name in HELD_OUT):
            for stream in streams:  # what is held out is held out of every source to its end
                deque(stream, maxlen=0)
        yield from passed

    def _trained(self, examples: Iterator[Example], passed: list[Placed]) -> Iterator[Example]:
        """Yield what is trained of a source, once; what is held out goes to `passed`."""
        for example in examples:
            split = place_one(group_key(example), self.wanted, self.seed)
            if split == "train":
                yield example
            else:
                passed.append((split, example))


class _Given:
    """How many examples each source gave to train, and how many of them were drawn."""

    def __init__(self, readings: list[Reading]) -> None:
        self.readings = readings
        self.counts = Counter[str]()
        self.taken = Counter[str]()
        self._names: list[str | None] = []

    def counted(self, examples: Iterable[Example]) -> Iterator[Example]:
        """Return the examples of the next source."""
        self._names.append(None)
        return self._counted(len(self._names) - 1, examples)

    def _counted(self, at: int, examples: Iterable[Example]) -> Iterator[Example]:
        for example in examples:
            self._names[at] = example.source
            self.counts[example.source] += 1
            yield example

    def tell(self) -> None:
        """Note on each source how often it was seen, where that is not once."""
        for name, reading in zip(self._names, self.readings, strict=True):
            if name is not None and (taken := self.taken[name]) != (count := self.counts[name]):
                reading.note(f"drawn by weight: {taken:,} times from {count:,} training examples "
                             f"(each {taken / count:.2g} times on average)")  # fmt: skip


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
