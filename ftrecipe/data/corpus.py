"""Gathers all examples of a dataset, each with the split that it belongs to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ftrecipe.data.example import Example, OnFaulty
from ftrecipe.data.read import Reading, Source, read_examples, refuse_faults
from ftrecipe.data.split import HELD_OUT, place, place_one, prompt_key, shares
from ftrecipe.errors import DataError

Placed = tuple[str, Example]


@dataclass
class Corpus:
    """Examples in their splits, held-out ones first; `total` is None while streaming."""

    readings: list[Reading]
    rows: Iterable[Placed]
    total: int | None


def gather(source: Source, seed: int) -> Corpus:
    """Return the examples of all of a dataset's files. Raises one DataError with all faults."""
    if source.path is None:
        raise DataError("dataset.path is not set; add dataset.path=<file or hub id>")
    files = {"test": source.test_path, "validation": source.validation_path}
    given = {split: Reading(path) for split, path in files.items() if path}
    main = Reading(source.path)
    wanted = shares(source.split, given)
    readings = [main, *given.values()]
    if source.streaming:
        return Corpus(readings, _stream(source, main, given, wanted, seed), None)
    placed = [*_from_files(source, given), *_divided(source, main, wanted, seed)]
    if source.on_faulty is OnFaulty.error:
        refuse_faults(readings)
    placed.sort(key=lambda row: row[0] not in HELD_OUT)  # stable: held-out splits come first
    return Corpus(readings, placed, len(placed))


def _from_files(source: Source, given: dict[str, Reading]) -> Iterator[Placed]:
    for split, reading in given.items():
        for example in read_examples(source, reading):
            yield split, example


def _divided(source: Source, main: Reading, wanted: dict[str, float], seed: int) -> list[Placed]:
    examples = list(read_examples(source, main))
    keys = [prompt_key(example.prompt) for example in examples]
    return list(zip(place(keys, wanted, seed), examples, strict=True))


def _stream(
    source: Source,
    main: Reading,
    given: dict[str, Reading],
    wanted: dict[str, float],
    seed: int,
) -> Iterator[Placed]:
    yield from _from_files(source, given)
    for example in read_examples(source, main):
        yield place_one(prompt_key(example.prompt), wanted, seed), example
