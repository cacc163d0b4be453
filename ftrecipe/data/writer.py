"""Writes tokenized rows to disk a batch at a time, each with the place that it came from."""

from pathlib import Path

from ftrecipe.data.tokens.tokenize import Row


class Writer:
    """Writes the rows of one split as an Arrow stream, which is read back without loading it.

    Beside it, `origins.parquet` says of each row where it came from, and its source in a mix.
    """

    def __init__(self, folder: Path) -> None:
        import pyarrow
        from pyarrow import parquet

        column = pyarrow.list_(pyarrow.int32())
        self.schema = pyarrow.schema([("input_ids", column), ("labels", column)])
        kinds = {"file": pyarrow.string(), "unit": pyarrow.string(), "number": pyarrow.int64()}
        self.origin = pyarrow.schema(kinds | dict.fromkeys(("part", "source"), pyarrow.string()))
        folder.mkdir(parents=True)
        self.stream = pyarrow.ipc.new_stream(str(folder / "rows.arrow"), self.schema)
        self.origins = parquet.ParquetWriter(str(folder / "origins.parquet"), self.origin)

    def write(self, rows: list[Row], sources: list[str]) -> None:
        """Append rows as one batch, each with the name of its source."""
        import pyarrow

        columns = {"input_ids": [r.input_ids for r in rows], "labels": [r.labels for r in rows]}
        self.stream.write_batch(pyarrow.RecordBatch.from_pydict(columns, schema=self.schema))
        places = [
            row.where._asdict() | {"source": source}
            for row, source in zip(rows, sources, strict=True)
        ]
        self.origins.write_table(pyarrow.Table.from_pylist(places, schema=self.origin))

    def close(self) -> None:
        """End both files."""
        self.stream.close()
        self.origins.close()
