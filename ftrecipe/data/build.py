"""Builds a folder of prepared data: renders, encodes, audits and writes, a batch at a time."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeGuard

from ftrecipe.data.asked import AskedWriter
from ftrecipe.data.audit import Audit
from ftrecipe.data.audit.report import Report, report
from ftrecipe.data.corpus import Corpus, Placed, gather
from ftrecipe.data.example import Chat, Completion, Example, Preference, Rated, RowFault
from ftrecipe.data.prepared import Job, Prepared
from ftrecipe.data.questions import is_open, preferred, question
from ftrecipe.data.reading import Reading
from ftrecipe.data.sample import Sample
from ftrecipe.data.split import HELD_OUT, SPLITS
from ftrecipe.data.tokens.masks import Unsupervised
from ftrecipe.data.tokens.overlong import Overlong
from ftrecipe.data.tokens.render import Rendered, Renderer
from ftrecipe.data.tokens.tokenize import Encoder, Row
from ftrecipe.data.writer import Writer
from ftrecipe.rundir import write_json

_BATCH = 1000
_CHARACTERS = 2**23  # of one batch, give or take a row

Progress = Callable[[int | None], Callable[[int], object]]


@contextmanager
def built(job: Job, folder: Path, progress: Progress) -> Iterator[Prepared]:
    """Prepare `job`; give the prepared data, at `folder` where nothing speaks against using it.

    Data with `failures` in its report can be looked at until the block ends, and is then gone.
    A second writer of the same folder does no harm: the first one to finish is kept. `progress`
    is told how many examples there are, and gives what is told of each batch that is done.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        fresh = Path(scratch) / "data"
        fresh.mkdir()
        corpus = gather(job.source, job.steps, job.seed, fresh / "quarantine.jsonl")
        tick = progress(corpus.total)
        with Builder(job, corpus, fresh) as builder:
            for batch in batches(corpus.rows):
                builder.add(batch)
                tick(len(batch))
        corpus.quarantine.close()
        found = builder.report()
        write_json(fresh / "report.json", found)
        if found["failures"]:
            yield Prepared(fresh)
            return
        try:
            fresh.rename(folder)
        except OSError:
            if not Prepared.exists(folder):
                raise
        yield Prepared(folder)


def batches(rows: Iterable[Placed]) -> Iterator[list[Placed]]:
    """Yield rows in batches that are bounded in number and in text."""
    batch: list[Placed] = []
    characters = 0
    for split, example in rows:
        batch.append((split, example))
        characters += sum(map(len, example.texts()))
        if len(batch) == _BATCH or characters >= _CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


class Builder:
    """The state of one build: open files, counts, and the faults found on the way."""

    def __init__(self, job: Job, corpus: Corpus, folder: Path) -> None:
        self.job, self.corpus, self.folder = job, corpus, folder
        self.renderer = Renderer(job.tokenizer, job.train_on)
        self.encoder = Encoder(job.tokenizer)
        self.overlong = Overlong(
            job.source.overlong(), job.limit, job.max_length is None, job.overlong_is_a_finding
        )
        self.audit = Audit(self.encoder.ends, job.seed)
        self.rendering = Reading("template", quarantine=corpus.quarantine.of("template"))
        self.unsupervised = Reading("unsupervised", quarantine=corpus.quarantine.of("unsupervised"))
        self.too_long = Counter[str]()  # examples of which no row is left, by the reason
        self.sample = Sample(job.seed)
        self.files = ExitStack()

    def __enter__(self) -> "Builder":
        self.writers = {s: Writer(self.folder / s) for s in SPLITS}
        for writer in self.writers.values():
            self.files.callback(writer.close)
        self.examples = {
            split: self.files.enter_context(
                (self.folder / f"examples_{split}.jsonl").open("w", encoding="utf-8")
            )
            for split in SPLITS
        }
        self.asked = self.files.enter_context(AskedWriter(self.folder))
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            for example in self.sample.unlike(self.audit.prompts[split] for split in HELD_OUT):
                self._write_example("train", example)
        self.files.close()

    def add(self, batch: list[Placed]) -> None:
        """Render, encode and write a batch of examples."""
        rendered = [(split, example, self._rendered(example)) for split, example in batch]
        rows = iter(self.encoder.rows([row for _, _, texts in rendered for row in texts]))
        fitting: dict[str, list[Row]] = {split: [] for split in SPLITS}
        sources: dict[str, list[str]] = {split: [] for split in SPLITS}
        for split, example, texts in rendered:
            kept = self._fitting(example, list(islice(rows, len(texts))))
            if is_open(example):
                self._add_open(split, example)
            if not kept:
                continue
            fitting[split] += kept
            sources[split] += [example.source] * len(kept)
            self.audit.example(split, example)
            if split == "train":
                self.asked.add(example)
                self.sample.add(example)
            elif _is_asked(example, len(texts) - len(kept)):
                self._write_example(split, example)
        for split, kept in fitting.items():
            for row in kept:
                self.audit.row(split, row)
            if kept:
                self.writers[split].write(kept, sources[split])

    def _add_open(self, split: str, example: Example) -> None:
        """Write a question that nobody has answered: there is nothing to learn in it."""
        assert isinstance(example, (Chat, Completion))
        try:
            self._write_example(split, example)
        except RowFault as fault:
            self.rendering.fault(example.where, fault, example.plain())
        else:
            self.audit.splits[split].examples += 1

    def _rendered(self, example: Example) -> list[Rendered]:
        if is_open(example):
            return []
        try:
            return [row for one in _told_apart(example) for row in self.renderer.rows(one)]
        except Unsupervised as fault:
            self.unsupervised.fault(example.where, fault, example.plain())
        except RowFault as fault:
            self.rendering.fault(example.where, fault, example.plain())
        return []

    def _fitting(self, example: Example, rows: list[Row]) -> list[Row]:
        """Return what is kept of an example's rows; one that is left out goes to quarantine."""
        kept: list[Row] = []
        for row in rows:
            try:
                kept += self.overlong.fit(row)
            except Unsupervised as fault:
                self.unsupervised.fault(example.where, fault, example.plain())
                return []
        if rows and not kept:
            longest = max(len(row.input_ids) for row in rows)
            self.too_long["overlong"] += 1
            self.rendering.leave(example.where, "overlong", f"{longest} tokens", 1, example.plain())
        return kept

    def _write_example(self, split: str, example: Chat | Completion | Preference) -> None:
        asked = preferred(example)
        text = self.renderer.prompt(_answered(asked))
        ids = self.encoder.prompt_ids(text, raw=isinstance(asked, Completion))
        if is_open(asked) and self.job.limit is not None and len(ids) > self.job.limit:
            raise RowFault(f"has {len(ids):,} tokens, and {self.job.limit:,} are taken at most")
        line = replace(question(example), prompt_ids=ids, prompt_text=text)
        self.examples[split].write(json.dumps(vars(line), ensure_ascii=False) + "\n")

    def report(self) -> Report:
        """Return report.json: what was read, cleaned and counted, and what speaks against it."""
        return report(self)


def _is_asked(example: Example, left_out: int) -> TypeGuard[Chat | Completion | Preference]:
    """Tell what is a question; a pair is none where one of its answers was left out as too long."""
    if isinstance(example, Preference):
        return left_out <= 0
    return isinstance(example, (Chat, Completion))


def _answered(example: Chat | Completion) -> Chat | Completion:
    """Return the example with room for an answer where it has none."""
    if isinstance(example, Chat) and is_open(example):
        room = {"role": "assistant", "content": ""}
        return replace(example, messages=[*example.messages, room])
    return example


def _told_apart(example: Example) -> list[Example]:
    """Return what is rendered of an example: of a pair, both answers, each after the question."""
    if isinstance(example, Rated):
        part = "rated good" if example.label else "rated bad"
        return [replace(example, where=example.where._replace(part=part))]
    if not isinstance(example, Preference):
        return [example]
    return [
        Chat(where=example.where._replace(part=part), messages=[*example.messages, *answer],
             tools=example.tools)
        for part, answer in (("chosen", example.chosen), ("rejected", example.rejected))
    ]  # fmt: skip
