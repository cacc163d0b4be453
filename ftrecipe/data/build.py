"""Builds a folder of prepared data: renders, encodes, audits and writes, a batch at a time."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ftrecipe.data.audit import Audit, Report, pieces, warnings
from ftrecipe.data.corpus import Corpus, Placed
from ftrecipe.data.example import Chat, Completion, Example, OnFaulty, RowFault
from ftrecipe.data.prepared import EvalExample, Job, Prepared
from ftrecipe.data.read import Reading, refuse_faults
from ftrecipe.data.render import Rendered, Renderer
from ftrecipe.data.split import HELD_OUT, SPLITS
from ftrecipe.data.tokenize import Encoder, Overlong, Row
from ftrecipe.errors import DataError
from ftrecipe.rundir import write_json

_BATCH = 1000


def build(corpus: Corpus, job: Job, folder: Path, tick: Callable[[int], object]) -> None:
    """Write the prepared data to `folder`, whole or not at all; `tick` hears of finished rows.

    Raises one DataError with all rows that cannot be used. A second writer of the same folder
    does no harm: the first one to finish is kept.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        fresh = Path(scratch) / "data"
        builder = Builder(job, corpus, fresh)
        with builder:
            for batch in _batches(corpus.rows):
                builder.add(batch)
                tick(len(batch))
        write_json(fresh / "report.json", builder.report())
        try:
            fresh.rename(folder)
        except OSError:
            if not Prepared.exists(folder):
                raise


def _batches(rows: Iterable[Placed]) -> Iterator[list[Placed]]:
    rows = iter(rows)
    while batch := list(islice(rows, _BATCH)):
        yield batch


class Writer:
    """Writes the rows of one split as an Arrow stream, which is read back without loading it."""

    def __init__(self, path: Path) -> None:
        import pyarrow

        column = pyarrow.list_(pyarrow.int32())
        self.schema = pyarrow.schema([("input_ids", column), ("labels", column)])
        path.parent.mkdir(parents=True)
        self.stream = pyarrow.ipc.new_stream(str(path), self.schema)

    def write(self, rows: list[Row]) -> None:
        """Append rows as one batch."""
        import pyarrow

        columns = {"input_ids": [r.input_ids for r in rows], "labels": [r.labels for r in rows]}
        self.stream.write_batch(pyarrow.RecordBatch.from_pydict(columns, schema=self.schema))


class Builder:
    """The state of one build: open files, counts, and the faults found on the way."""

    def __init__(self, job: Job, corpus: Corpus, folder: Path) -> None:
        self.job, self.corpus, self.folder = job, corpus, folder
        self.renderer = Renderer(job.tokenizer, job.answer_only)
        self.encoder = Encoder(job.tokenizer)
        self.overlong = Overlong(job.source.on_overlong, job.limit, job.max_length is None)
        self.audit = Audit(self.encoder.ends, remember=corpus.total is not None)
        self.rendering = Reading("rendering")
        self.kept = 0
        self.files = ExitStack()

    def __enter__(self) -> None:
        self.writers = {s: Writer(self.folder / s / "rows.arrow") for s in SPLITS}
        for writer in self.writers.values():
            self.files.callback(writer.stream.close)
        self.examples = {
            split: self.files.enter_context(
                (self.folder / f"examples_{split}.jsonl").open("w", encoding="utf-8")
            )
            for split in HELD_OUT
        }

    def __exit__(self, *_: object) -> None:
        self.files.close()

    def add(self, batch: list[Placed]) -> None:
        """Render, encode and write a batch of examples."""
        rendered = [(split, example, self._rendered(example)) for split, example in batch]
        rows = iter(self.encoder.rows([row for _, _, texts in rendered for row in texts]))
        fitting: dict[str, list[Row]] = {split: [] for split in SPLITS}
        for split, example, texts in rendered:
            self.audit.example(split, example)
            kept = [piece for row in islice(rows, len(texts)) for piece in self._fit(row)]
            fitting[split] += kept
            self.kept += bool(kept)
            if kept and split in HELD_OUT and isinstance(example, (Chat, Completion)):
                self._write_example(split, example)
        for split, kept in fitting.items():
            for row in kept:
                self.audit.row(split, row)
            if kept:
                self.writers[split].write(kept)

    def _rendered(self, example: Example) -> list[Rendered]:
        try:
            return self.renderer.rows(example)
        except RowFault as fault:
            self.rendering.fault(example.where, fault)
            return []

    def _fit(self, row: Row) -> list[Row]:
        try:
            return self.overlong.fit(row)
        except RowFault as fault:
            self.rendering.fault(row.where, fault)
            return []

    def _write_example(self, split: str, example: Chat | Completion) -> None:
        text = self.renderer.prompt(example)
        line = EvalExample(
            prompt_ids=self.encoder.prompt_ids(text, raw=isinstance(example, Completion)),
            question=example.question,
            prompt_text=text,
            answers=example.answers,
            where=str(example.where),
        )
        self.examples[split].write(json.dumps(vars(line), ensure_ascii=False) + "\n")

    def report(self) -> Report:
        """Return what was done. Raises DataError when the data cannot be used as it is."""
        readings = [*self.corpus.readings, self.rendering]
        if self.job.source.on_faulty is OnFaulty.error:
            refuse_faults(readings)
        self.overlong.refuse()
        report = self._report(readings)
        if not report["splits"]["train"]["rows"]:
            raise DataError(f"{self.job.source.path}: no row is left to train on")
        return {**report, "warnings": warnings(report)}

    def _report(self, readings: list[Reading]) -> Report:
        dropped = sum((reading.reasons for reading in readings), start=Counter[str]())
        counts = self.overlong.counts
        cut = {"longer than max_length": counts["dropped"],
               "no answer left after truncation": counts["answer_cut_away"]}  # fmt: skip
        return {
            "format": self.job.source.name(),
            "sources": [
                {"path": r.path, "rows_read": r.rows, "rows_faulty": r.faulty}
                for r in self.corpus.readings
            ],
            "rows": {
                "read": sum(reading.rows for reading in readings),
                "kept": self.kept,
                "dropped": dict((dropped + Counter(cut)).most_common()),
            },
            **self.audit.report(),
            "overlong": self._overlong(),
            "unrolled_conversations": self.renderer.counts["unrolled"],
            "spliced_answers": self.renderer.counts["spliced"],
            "sample": self._sample(),
        }

    def _overlong(self) -> dict[str, Any]:
        overlong = self.overlong
        return {
            "policy": overlong.policy.value,
            "max_length": overlong.max_length,
            "found": overlong.found,
            "longest": overlong.longest,
            "longest_where": overlong.longest_where,
            **{k: overlong.counts[k] for k in ("dropped", "truncated", "split", "answer_cut_away")},
        }

    def _sample(self) -> dict[str, Any] | None:
        row = self.audit.sample
        if row is None:
            return None
        return {"where": str(row.where), "pieces": pieces(row, self.job.tokenizer)}
