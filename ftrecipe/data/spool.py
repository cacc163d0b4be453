"""Keeps examples on disk between two passes, so that memory does not grow with the data."""

import pickle
import tempfile
from collections.abc import Iterator
from typing import IO

from ftrecipe.data.example import Example

_BATCH = 1000


class Spool:
    """Examples in the order in which they were added; read back as often as is needed."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._batch: list[Example] = []
        self.count = 0

    def add(self, example: Example) -> None:
        """Append one example."""
        self._batch.append(example)
        self.count += 1
        if len(self._batch) == _BATCH:
            self._write()

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="ftrecipe-examples-")  # noqa: SIM115
        self._file.seek(0, 2)
        pickle.dump(self._batch, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._batch = []

    def __iter__(self) -> Iterator[Example]:
        if self._file is not None:
            self._file.seek(0)
            for _ in range((self.count - len(self._batch)) // _BATCH):
                yield from pickle.load(self._file)  # written by this process
        yield from self._batch
