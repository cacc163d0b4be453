"""The format that a file turns out to have: looks once, then does as that format does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from ftrecipe.components.dataset import GROUP, Dataset
from ftrecipe.components.dataset.sniff import Recognized, recognize
from ftrecipe.components.model import Model
from ftrecipe.data.cleaning import Cleaning
from ftrecipe.data.example import Example, OnOverlong, Where
from ftrecipe.data.files import DataFile
from ftrecipe.data.files.locate import HubId, locate
from ftrecipe.data.read import Row
from ftrecipe.data.reading import Reading
from ftrecipe.errors import DataError


@GROUP.option("auto")
@dataclass
class Auto(Dataset):
    """Looks at `path` and reads it as what it is; what only that format has cannot be set here."""

    @cached_property
    def recognized(self) -> Recognized:
        """Which format the file has, and why. Raises DataError."""
        if not self.path:
            raise DataError("dataset.path is not set; add dataset.path=<file>")
        found = locate(self.path)
        if isinstance(found, HubId):
            raise DataError(f"dataset.path={self.path}: a hub id does not say its format; write "
                            "dataset=<format> instead of dataset=auto")  # fmt: skip
        return recognize(found)

    @cached_property
    def found(self) -> Dataset:
        """The option that the file is read with. Raises DataError."""
        cls = GROUP.get(self.recognized.name)
        usual = Dataset()
        own = {item.name: getattr(self, item.name) for item in fields(Dataset)}
        return cls(**{key: value for key, value in own.items() if value != getattr(usual, key)})

    def name(self) -> str:
        return self.found.name()

    def produces(self) -> str:
        try:
            return self.found.produces()
        except DataError:  # told by `faults`
            return self.yields

    def implied(self, model: Model) -> Model:
        try:
            return self.found.implied(model)
        except DataError:  # told by `faults`
            return model

    def overlong(self) -> OnOverlong:
        return self.found.overlong()

    def with_unanswerable(self, phrase: str) -> Dataset:
        return self.found.with_unanswerable(phrase)

    def endings(self) -> Sequence[str]:
        return self.found.endings() if self.path else super().endings()

    def rows(self, files: list[DataFile], reading: Reading) -> Iterator[Row]:
        return self.found.rows(files, reading)

    def gathered(
        self, rows: Iterable[Row], reading: Reading, cleaning: Cleaning
    ) -> Iterable[Example]:
        reading.note(f"read as {self.recognized.name}: {self.recognized.why}")
        return self.found.gathered(rows, reading, cleaning)

    def examples(self, record: dict[str, Any], where: Where) -> list[Example]:
        return self.found.examples(record, where)

    def faults(self) -> list[str]:
        try:
            return self.found.faults()
        except DataError as error:
            return error.faults
