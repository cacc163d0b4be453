"""Reads Parquet and Arrow files, a batch of rows in memory at a time."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ftrecipe.data.example import RowFault, Where
from ftrecipe.data.files import DataFile
from ftrecipe.errors import DataError

if TYPE_CHECKING:
    from pyarrow import RecordBatch

Row = tuple[Where, dict[str, Any] | RowFault]

_BATCH = 1000


def read_parquet(source: DataFile) -> Iterator[Row]:
    """Yield the rows of a Parquet file."""
    yield from _read(source, "a Parquet", _parquet_batches)


def read_arrow(source: DataFile) -> Iterator[Row]:
    """Yield the rows of an Arrow file or stream, as `datasets` saves them."""
    yield from _read(source, "an Arrow", _arrow_batches)


def _read(source: DataFile, what: str, batches: Any) -> Iterator[Row]:
    import pyarrow

    number = 0
    try:
        with _seekable(source) as file:
            for batch in batches(file):
                for row in _records(batch):
                    number += 1
                    yield Where(source.name, "row", number), row
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{source.name} is not {what} file: {reason}") from None
    if number == 0:
        raise DataError(f"{source.name} is empty")


@contextmanager
def _seekable(source: DataFile) -> Iterator[Any]:
    """Give the bytes of a file so that any part can be read: itself, or an unpacked copy."""
    if source.kind and source.plain:
        with source.plain.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile(prefix="ftrecipe-") as copy, source.open() as file:
        shutil.copyfileobj(file, copy, 2**20)
        copy.seek(0)
        yield copy


def _parquet_batches(file: Any) -> Iterator["RecordBatch"]:
    import pyarrow.parquet

    yield from pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=_BATCH)


def _arrow_batches(file: Any) -> Iterator["RecordBatch"]:
    import pyarrow

    is_file = file.read(6) == b"ARROW1"
    file.seek(0)
    if is_file:
        reader = pyarrow.ipc.open_file(file)
        batches = map(reader.get_batch, range(reader.num_record_batches))
    else:
        batches = iter(pyarrow.ipc.open_stream(file))
    for batch in batches:
        batch.validate(full=True)  # Arrow trusts a file's offsets, and would crash on wrong ones
        yield batch


def _records(batch: "RecordBatch") -> Iterator[dict[str, Any] | RowFault]:
    """Yield the rows of a batch; a text that is not UTF-8 costs its row."""
    for start in range(0, batch.num_rows, _BATCH):
        part = batch.slice(start, _BATCH)
        try:
            yield from part.to_pylist()
        except UnicodeDecodeError:
            yield from (_one(part.slice(at, 1)) for at in range(part.num_rows))


def _one(row: "RecordBatch") -> dict[str, Any] | RowFault:
    try:
        return row.to_pylist()[0]
    except UnicodeDecodeError:
        return RowFault("a text that is not UTF-8")
