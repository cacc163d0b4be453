"""Drops training examples that share a long run of words with the files of an evaluation."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from ftrecipe.components.cleaning import GROUP, Cleaning, Log, package_faults
from ftrecipe.components.cleaning.parts import texts_in
from ftrecipe.data.example import Example, RowFault
from ftrecipe.data.files import DataFile, data_files
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.data.ngrams import Overlap, spoken
from ftrecipe.data.records import ENDINGS, read_file
from ftrecipe.errors import DataError
from ftrecipe.registry import bounded


@GROUP.option("contamination")
@dataclass
class Contamination(Cleaning):
    """Examples that share `ngram` words in a row with a text of the files `against`.

    The files may be of any format of records; all their texts are looked at, long or short: of a
    text of fewer words all must be the same. The evaluation's own files are not changed.
    """

    quick: ClassVar[bool] = False

    against: list[str] = field(default_factory=list)
    ngram: int = bounded(13, 3, 100)

    def examples(self, examples: Iterable[Example], log: Log) -> Iterator[Example]:
        overlap = Overlap(self.ngram)
        for name in self.against:
            for file in _files(name):
                _learn(overlap, file)
        for example in examples:
            like = overlap.find(spoken(example))
            if like is None:
                yield example
            else:
                log.drop(example, f"shares {self.ngram} words with {like.file}",
                         f"{like.unit} {like.number}")  # fmt: skip

    def faults(self) -> list[str]:
        if not self.against:
            return ["against is empty; name the files of the evaluation: against=[FILE]"]
        found = package_faults("ngram", "numpy")
        for name in self.against:
            try:
                _files(name)
            except DataError as error:
                found += [f"against: {fault}" for fault in error.faults]
        return found


def _files(name: str) -> list[DataFile]:
    """Return the files that a name stands for. Raises DataError."""
    place = locate(name)
    if isinstance(place, HubId):
        raise DataError(f"{name} does not exist; name a file, a folder or a glob")
    return data_files(place, ENDINGS)


def _learn(overlap: Overlap, file: DataFile) -> None:
    """Remember the texts of a file's rows; what cannot be read of it is no row of the dataset."""
    for where, record in read_file(file):
        if not isinstance(record, RowFault):
            overlap.learn(where, texts_in(record))
