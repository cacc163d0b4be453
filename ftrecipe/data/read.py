"""Turns the rows of one data source into examples, keeping count of what was wrong."""

import gzip
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from ftrecipe import hub
from ftrecipe.data.cleaning import Cleaning, Step
from ftrecipe.data.example import (
    EmptyFault,
    Example,
    OnOverlong,
    RowFault,
    Unwanted,
    Where,
)
from ftrecipe.data.files import DataFile, data_files
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.data.reading import Reading
from ftrecipe.data.split import Split, grouped
from ftrecipe.errors import DataError, listed

_TOKENIZED = ("input_ids", "labels", "attention_mask", "token_type_ids")
LONGEST = 2**24  # characters of one example; each takes some 90 bytes while it is tokenized

Record = dict[str, Any]
Row = tuple[Where, Any]  # what a format reads: a record, an Entry, or the RowFault of a bad row


class Source(Protocol):
    """What the data layer needs to know of a dataset option."""

    path: str | None
    validation_path: str | None
    test_path: str | None
    split: Split
    max_samples: int | None
    max_malformed: int
    streaming: bool
    subset: str | None
    hub_split: str
    revision: str | None
    encoding: str | None

    def name(self) -> str:
        """Return the name of the format."""
        ...

    def produces(self) -> str:
        """Return what the rows become with these settings: chat, text, completion …"""
        ...

    def parts(self, steps: Sequence[Step]) -> "Sequence[tuple[Source, Sequence[Step]]]":
        """Return the sources that it is made of, each with its cleaning: itself, or a mix's."""
        ...

    def interleaved(self, streams: list[Iterator[Example]], seed: int) -> Iterator[Example]:
        """Yield the training examples of all parts in the order, and as often, as learned."""
        ...

    def labelled(self, streams: list[Iterator[Example]]) -> list[Iterator[Example]]:
        """Return the examples of all parts with the names of their sources, if they have any."""
        ...

    def sampled(self) -> str:
        """Say how the sources of a mix are sampled; nothing where there is one."""
        ...

    def draws_by_weight(self) -> bool:
        """Say whether training examples may come several times, or not at all."""
        ...

    def overlong(self) -> OnOverlong:
        """Return what is done with rows that are too long."""
        ...

    def endings(self) -> Sequence[str]:
        """Return the endings of the files that are read in a folder or an archive."""
        ...

    def given(self) -> Sequence[Row]:
        """Return the rows that its settings hold themselves, besides those of files."""
        ...

    def rows(self, files: list[DataFile], reading: "Reading") -> Iterator[Row]:
        """Yield the rows of the files, each with its place, or the fault of a bad one."""
        ...

    def gathered(
        self, rows: Iterable[Row], reading: "Reading", cleaning: Cleaning
    ) -> Iterable[Example]:
        """Yield the clean examples that the rows become; bad rows are told to `reading`."""
        ...

    def examples(self, record: Record, where: Where) -> list[Example]:
        """Return the examples that one record holds. Raises RowFault."""
        ...


def read_examples(source: Source, reading: Reading, cleaning: Cleaning) -> Iterator[Example]:
    """Yield the clean examples of `reading.path`, at most `max_samples` rows of it.

    Raises DataError for a file that cannot be read at all.
    """
    reading.format = source.name()
    rows = _counted(_rows(source, reading), reading, source.max_samples)
    yield from source.gathered(rows, reading, cleaning)


def _counted(rows: Iterable[Row], reading: Reading, most: int | None) -> Iterator[Row]:
    for row in rows:
        if most is not None and reading.rows >= most:
            return
        reading.rows += 1
        yield row


def _rows(source: Source, reading: Reading) -> Iterator[Row]:
    yield from source.given()
    if not reading.path:
        return
    found = locate(reading.path)
    if isinstance(found, HubId):
        yield from _hub_rows(source, found.name)
        return
    with told(reading.path):
        files = data_files(found, source.endings(), source.encoding)
        reading.files = len(files)
        reading.bytes = sum(file.size for file in files)
        try:
            yield from source.rows(files, reading)
        finally:  # also when no more rows are wanted
            for note in [note for file in files for note in file.notes]:
                reading.note(note)


def examples_of_records(
    source: Source, rows: Iterable[Row], reading: Reading, cleaning: Cleaning
) -> Iterator[Example]:
    """Yield what each record holds, before cleaning; bad records are told to `reading`."""
    remarks: Counter[str] = Counter()
    for where, record in rows:
        if isinstance(record, RowFault):
            reading.fault(where, record)
            continue
        record = _without_tokens(record, reading)
        try:
            found = [
                grouped(_bearable(one), record, source.split)
                for one in source.examples(record, where)
            ]
        except Unwanted as fault:
            reading.leave(where, "unwanted", str(fault), 1, record)
            continue
        except EmptyFault as fault:
            if not cleaning.takes_empty(where, fault, record):
                reading.fault(where, fault, record)
            continue
        except RowFault as fault:
            reading.fault(where, fault, record)
            continue
        reading.used += 1
        remarks.update({note for example in found for note in example.notes})
        yield from found
    for text, count in remarks.items():
        reading.note(f"{text} ({count:,} rows)")


def _bearable(example: Example) -> Example:
    """Return the example. Raises RowFault for one that no memory could hold the tokens of."""
    length = sum(map(len, example.texts()))
    if length > LONGEST:
        raise RowFault(too_long(length))
    return example


def too_long(length: int) -> str:
    """Return what is wrong with a row of so many characters."""
    return (
        f"is {length:,} characters long, and a row may have {LONGEST:,}; "
        "divide it into several rows"
    )


def _without_tokens(record: Any, reading: Reading) -> Any:
    """Return the record without the columns that another tokenizer left, and say so."""
    left = [key for key in _TOKENIZED if _numbers(record.get(key))]
    if not left:
        return record
    reading.note(f"columns that another tokenizer left are not used: {listed(left)}")
    return {key: value for key, value in record.items() if key not in left}


def _numbers(value: object) -> bool:
    return isinstance(value, list) and all(type(number) is int for number in value)


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a DataError that names it."""
    try:
        yield
    except UnicodeError as error:
        raise DataError(f"{name} is not the text that its first bytes say: {error}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{name} is not a whole packed file: {error}") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}") from None


def _hub_rows(source: Source, name: str) -> Iterator[Row]:
    if why := hub.unreachable():
        raise DataError(f"{name}: not a file here, and not read from the hub: {why}")
    from datasets import load_dataset

    try:
        rows = load_dataset(name, name=source.subset, split=source.hub_split,
                            streaming=source.streaming, revision=source.revision)  # fmt: skip
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{name}: not a file here, and not read from the hub: {reason}") from error
    for number, record in enumerate(rows, 1):
        yield Where(name, "row", number), dict(record)  # pyright: ignore[reportArgumentType, reportCallIssue]
