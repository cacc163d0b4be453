"""The verb `convert`: any format from any other."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any

from ftrecipe.amounts import many
from ftrecipe.compose import compose
from ftrecipe.config import RunConfig
from ftrecipe.data.cleaning import Cleaning, Quarantine
from ftrecipe.data.convert.write import kind_of, write
from ftrecipe.data.convert.written import WRITERS, records
from ftrecipe.data.example import Example, RowFault
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading, refuse_faults
from ftrecipe.errors import ConfigError, DataError, did_you_mean, listed
from ftrecipe.paths import typed
from ftrecipe.verbs import flags, valued

_AS_TEXT = ("chatml",)  # what a .txt file can hold without losing where a conversation ends


def convert(words: list[str]) -> int:
    """Write a dataset in another format, clean, and say what could not be written.

    python -m ftrecipe convert dataset=FILE --to messages --out FILE [--force]
    python -m ftrecipe convert dataset=whatsapp dataset.path=chat.txt dataset.assistant=Alice \\
        --to alpaca --out chat.jsonl

    --to is messages, alpaca, sharegpt, prompt_completion, question_answer, instruction, gemini,
    chatml, text, preference or kto; the ending of --out says how: .jsonl, .json, .csv, .tsv or
    .parquet, text also as .gz. An existing file is kept unless --force. What the format has no
    place for is named; examples that it cannot hold are left out and counted. With more malformed
    rows than dataset.max_malformed, nothing is written.
    """
    named, rest = valued(words, "--to", "--out")
    given, rest = flags(rest, "--force")
    target, out = _asked(named, force="--force" in given)
    composition = compose(rest, audit_only=True)
    if not composition.names_data:
        raise ConfigError("dataset is missing; add dataset=FILE")
    run = composition.run
    made = _Conversion(target)
    with tempfile.TemporaryFile("w+b", prefix="ftrecipe-convert-") as spool:
        made.spool(_examples(run, made), spool)
        refuse_faults(made.readings, run.dataset.max_malformed)
        if not made.written:
            print("\n".join(made.told()))
            raise DataError(f"nothing can be written as {target}")
        write(out, list(made.columns), _spooled(spool))
    print("\n".join([*made.told(), f"written    {many(made.written, 'row')} to {out} ({target})"]))
    if held := [p for p in (run.dataset.validation_path, run.dataset.test_path) if p]:
        print(f"not in it  {listed(held)}; convert each by its own dataset.path")
    return 0


def _asked(named: dict[str, str], force: bool) -> tuple[str, Path]:
    """Return the target and the file. Raises ConfigError with all that is wrong with them."""
    faults: list[str] = []
    target, out = named.get("--to"), typed(named.get("--out", ""))
    if target not in WRITERS:
        hint = did_you_mean(target, WRITERS) if target else ""
        faults.append(f"--to {target or '<format>'}: must be one of {listed([*WRITERS])}{hint}")
    if "--out" not in named:
        faults.append("--out is missing; add --out FILE")
    else:
        faults += _out_faults(out, target, force)
    if faults:
        raise ConfigError(faults)
    assert target is not None
    return target, out


def _out_faults(out: Path, target: str | None, force: bool) -> list[str]:
    if out.is_dir():
        return [f"--out {out}: is a folder; name a file"]
    try:
        kind = kind_of(out)
    except ConfigError as error:
        return error.faults
    if kind == ".txt" and target not in _AS_TEXT:
        return [f"--out {out}: only {listed(_AS_TEXT)} is written as .txt; write .jsonl"]
    if not out.parent.is_dir():
        return [f"--out {out}: there is no folder {out.parent}"]
    if out.exists() and not force:
        return [f"--out {out} is there already; add --force to replace it, or name another file"]
    return []


@dataclass
class _Conversion:
    """What a conversion read, lost and wrote."""

    target: str
    readings: list[Reading] = field(default_factory=list)
    cleanings: list[Cleaning] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)
    losses: Counter[str] = field(default_factory=Counter)
    unfit: Counter[str] = field(default_factory=Counter)
    first_unfit: dict[str, str] = field(default_factory=dict)
    written: int = 0

    def spool(self, examples: Iterable[Example], file: IO[bytes]) -> None:
        """Write the records of all examples to a file of their own, counting."""
        for example in examples:
            try:
                rows, lost = records(self.target, example)
            except RowFault as fault:
                self.unfit[str(fault)] += 1
                self.first_unfit.setdefault(str(fault), str(example.where))
                continue
            self.losses.update(lost)
            for row in rows:
                self.written += 1
                self.columns |= dict.fromkeys(row)
                file.write(json.dumps(row).encode() + b"\n")

    def told(self) -> list[str]:
        """Return what is to be said, a line each."""
        lines: list[str] = []
        for reading in self.readings:
            lines.append(
                f"read       {many(reading.rows, 'row')} of {reading.path} ({reading.format})"
            )
            lines += [f"note       {note}" for note in reading.notes]
            lines += [f"malformed  {many(reading.malformed, 'row')}"] if reading.malformed else []
            lines += [
                f"left out   {many(count, 'row')} ({rule})" for rule, count in reading.left.items()
            ]
        logs = [log for cleaning in self.cleanings for _, log in cleaning.steps]
        for log in logs:
            lines += [f"changed    {log.changed:,} by {log.rule}"] if log.changed else []
            lines += [f"dropped    {log.dropped:,} by {log.rule}"] if log.dropped else []
        for reason, count in self.unfit.items():
            where = self.first_unfit[reason]
            lines.append(f"not fit    {many(count, 'example')}, the first {where}: {reason}")
        lines += [
            f"lost       {name} ({many(count, 'example')})" for name, count in self.losses.items()
        ]
        return lines


def _examples(run: RunConfig, made: _Conversion) -> Iterator[Example]:
    """Yield the clean examples of the dataset, of all sources of a mix one after the other."""
    quarantine = Quarantine(None)
    streams: list[Iterator[Example]] = []
    for source, steps in run.dataset.parts(list(run.cleaning.values())):
        reading, cleaning = Reading(source.path or ""), Cleaning.of(steps, quarantine)
        made.readings.append(reading)
        made.cleanings.append(cleaning)
        streams.append(read_examples(source, reading, cleaning))
    return chain.from_iterable(streams)


def _spooled(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    file.seek(0)
    for line in file:
        yield json.loads(line)
