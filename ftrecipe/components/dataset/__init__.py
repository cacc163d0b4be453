"""The dataset formats: which file and columns to read, and how a row becomes an example."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

from ftrecipe.data.cleaning import Cleaning, Step
from ftrecipe.data.columns import as_text, column_of, fill, holes, missing
from ftrecipe.data.example import (
    Chat,
    EmptyFault,
    Example,
    Message,
    OnOverlong,
    RowFault,
    Where,
)
from ftrecipe.data.files import DataFile, data_files, ending
from ftrecipe.data.locate import locate
from ftrecipe.data.read import Reading, Row, Source, examples_of_records
from ftrecipe.data.records import ENDINGS, read_file
from ftrecipe.data.split import Split, fraction_faults
from ftrecipe.errors import DataError, did_you_mean, listed
from ftrecipe.registry import Group, bounded

__all__ = ["GROUP", "Dataset", "OnOverlong", "Split", "sniff"]

ANSWERS = ("output", "response", "answer", "completion", "reply", "target")


@dataclass
class Dataset:
    """One data source: where it is, how its rows are read, and how they are divided."""

    yields: ClassVar[str] = "chat"  # chat, text or completion
    required: ClassVar[tuple[str, ...]] = ()  # fields that every row has
    synonyms: ClassVar[dict[str, tuple[str, ...]]] = {}  # field: column names tried in turn
    templated: ClassVar[bool] = True  # whether `template` may form the user's message

    path: str | None = None
    validation_path: str | None = None
    test_path: str | None = None
    system: str | None = None
    template: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    split: Split = field(default_factory=Split)
    max_samples: int | None = None
    streaming: bool = False
    on_overlong: OnOverlong = OnOverlong.error
    max_malformed: int = bounded(0, 0)
    subset: str | None = None
    hub_split: str = "train"
    revision: str | None = None

    def parts(self, steps: Sequence[Step]) -> list[tuple[Source, Sequence[Step]]]:
        """Return the sources that it is made of, each with its cleaning: only itself."""
        return [(self, steps)]

    def interleaved(self, streams: list[Iterator[Example]], seed: int) -> Iterator[Example]:
        """Yield the examples of all parts."""
        return chain.from_iterable(streams)

    def endings(self) -> Sequence[str]:
        """Return the endings of the files that are read in a folder or an archive."""
        return ENDINGS

    def rows(self, files: list[DataFile], reading: Reading) -> Iterator[Row]:
        """Yield the records of the files, or the faults of those that cannot be read."""
        for file in files:
            yield from read_file(file)
            reading.encodings[file.encoding] += 1

    def gathered(
        self, rows: Iterable[Row], reading: Reading, cleaning: Cleaning
    ) -> Iterable[Example]:
        """Yield the clean examples that the rows become."""
        return cleaning.examples(examples_of_records(self, rows, reading, cleaning))

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        """Return the examples that one record holds. Raises RowFault."""
        raise NotImplementedError

    @classmethod
    def fits(cls, record: Mapping[str, Any]) -> bool:
        """Say whether a record has the shape of this format."""
        raise NotImplementedError

    def name(self) -> str:
        """Return the name under which this format is chosen."""
        return GROUP.name_of(type(self))

    def produces(self) -> str:
        """Return what the rows become with these settings: chat, text or completion."""
        return self.yields

    def column(self, name: str, record: Mapping[str, Any]) -> str | None:
        """Return the column that holds a field, or None. Raises ColumnFault for a wrong mapping."""
        asked = self.columns.get(name)
        if asked is None:
            return column_of(record, self.synonyms[name])
        column = column_of(record, [asked])
        if column is None:
            raise missing(name, record, asked)
        return column

    def text(self, name: str, record: Mapping[str, Any]) -> str:
        """Return a field that must be there and not be empty."""
        column = self.column(name, record)
        if column is None:
            raise missing(name, record)
        text = as_text(record[column], column)
        if not text.strip():
            raise RowFault(f'no {name} in column "{column}"')
        return text

    def optional(self, name: str, record: Mapping[str, Any]) -> str:
        """Return a field that may be missing, as an empty text then."""
        column = self.column(name, record)
        return "" if column is None else as_text(record[column], column).strip()

    def filled(self, template: str, record: Mapping[str, Any]) -> str:
        """Return the template with the record's values in its holes."""
        text = fill(template, record)
        if not text.strip():
            raise RowFault(f"nothing in {listed(holes(template))} to fill dataset.template with")
        return text

    def conversation(
        self, messages: list[Message], where: Where, tools: list[Any] | None = None
    ) -> Chat:
        """Return a conversation, with the configured system prompt where it has none."""
        if self.system and messages[0]["role"] not in ("system", "developer"):
            messages = [{"role": "system", "content": self.system}, *messages]
        answer = messages[-1]["content"]
        return Chat(where=where, answers=[answer], messages=messages, tools=tools)

    def faults(self) -> list[str]:
        """Say all that is wrong with the settings, looking at names and files only."""
        found = [] if self.path else ["dataset.path is not set; add dataset.path=<file or hub id>"]
        for path in (self.path, self.validation_path, self.test_path):
            if path:
                found += _path_faults(path)
        for name in self.columns:
            if name not in self.synonyms:
                hint = did_you_mean(name, self.synonyms) or f" (it has {listed([*self.synonyms])})"
                found.append(f"dataset.columns.{name}: this format has no field {name!r}{hint}")
        if self.template and not self.templated:
            found.append("dataset.template has no meaning for a format of whole messages")
        return found + fraction_faults(self.split)


def _path_faults(path: str) -> list[str]:
    try:
        locate(path)
    except DataError as error:
        return error.faults
    return []


GROUP = Group("dataset", Dataset)


def _mostly(cls: type[Dataset], records: list[dict[str, Any]]) -> bool:
    """Say whether most records fit: a few may be faulty. Preference pairs are none of these."""
    pairs = any(column_of(record, ["chosen", "rejected"]) for record in records)
    return not pairs and sum(map(cls.fits, records)) * 2 > len(records)


def sniff(path: Path) -> str:
    """Return the name of the one format that the first records of `path` fit.

    Raises DataError, saying what the columns are, when none or more than one fit.
    """
    files = data_files(path, ENDINGS)
    if ending(path.name) == ".txt":
        return "text"
    rows = chain.from_iterable(map(read_file, files))
    records = [row for _, row in islice(rows, 20) if not isinstance(row, RowFault)]
    if not records:
        raise DataError(f"{path.name}: no row can be read; say dataset=<format> to see why")
    fitting = sorted(name for name, cls in GROUP.classes.items() if _mostly(cls, records))
    if len(fitting) == 1:
        return fitting[0]
    columns = listed([str(key) for key in records[0]])
    if fitting:
        raise DataError(f"{path.name} fits {' and '.join(fitting)}; add dataset=<one of them>"
                        f" dataset.path={path}")  # fmt: skip
    known = listed(sorted(GROUP.classes))
    raise DataError(f"{path.name} fits none of {known} (columns: {columns}); instead of dataset="
                    f"{path} write dataset=<format> dataset.path={path} and, for every column "
                    "of another name, dataset.columns.<field>=<column>")  # fmt: skip
