"""One loaded model under measurement: what eval suites ask of it, each answer computed once."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self

from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from ftrecipe.components.eval import (
    GROUP,
    Completion,
    Decoding,
    Eval,
    Example,
    ExampleLoss,
    Harness,
    Split,
    SuiteResult,
    Timing,
)
from ftrecipe.components.eval.asked import Labeled, T, asking
from ftrecipe.errors import ConfigError, StageError
from ftrecipe.rundir import read_json, write_json
from ftrecipe.stages.measuring import timing
from ftrecipe.stages.measuring.generation import Tick, generate, silent
from ftrecipe.stages.measuring.losses import IGNORED, losses
from ftrecipe.stages.measuring.modes import Model
from ftrecipe.stages.measuring.replies import Replies
from ftrecipe.stages.measuring.text_bytes import TextBytes
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.stored import Stored

METHOD = 3
"""Raised when the same model on the same data would give other numbers: old baselines are void."""


class EvalData(Protocol):
    """The part of the prepared data that is measured on."""

    def train(self) -> Dataset | None: ...
    def validation(self) -> Dataset | None: ...
    def test(self) -> Dataset | None: ...
    def examples(self, split: str) -> list[Any]: ...
    def places(self, split: str, limit: int | None = None) -> list[tuple[str, str]]: ...


class Subject:
    """A model with its tokenizer and the run's data; a question is answered once a decoding.

    For the baseline pass the base model itself, not an adapter that is switched off.
    """

    def __init__(
        self,
        model: Model,
        tokenizer: PreTrainedTokenizerBase,
        data: EvalData,
        screen: Screen | None = None,
        stored: Stored | None = None,
    ) -> None:
        self.model, self.tokenizer, self.data, self.screen = model, tokenizer, data, screen
        self.stored = stored
        self._said: dict[tuple[Decoding, tuple[int, ...]], Completion] = {}

    def on(self, data: EvalData) -> Self:
        """Return the same model asked of other data; what it has said already is remembered."""
        other = copy(self)
        other.data = data
        return other

    def examples(self, split: Split, limit: int | None = None) -> list[Example]:
        """Return the first `limit` questions of a split: with an expected answer, or only asked."""
        return questions(self.data, split)[:limit]

    def generate(
        self, prompts: list[list[int]], decoding: Decoding, batch_size: int | None = None
    ) -> list[Completion]:
        """Return one completion a prompt, in order, asking only what was not asked before."""
        keys = [(decoding, tuple(prompt)) for prompt in prompts]
        fresh = [key for key in dict.fromkeys(keys) if key not in self._said]
        asked = [list(prompt) for _, prompt in fresh]
        with self._progress("answers", len(asked)) as tick:
            answers = generate(self.model, self.tokenizer, asked, decoding, batch_size, tick)
        self._said |= dict(zip(fresh, answers, strict=True))
        return [self._said[key] for key in keys]

    def split_losses(
        self,
        split: Split,
        limit: int | None = None,
        everything: bool = False,
        batch_size: int | None = None,
    ) -> list[ExampleLoss]:
        """Return the loss of each example on its answer tokens, or on `everything`."""
        found = dataset(self.data, split)
        rows: list[Any] = [] if found is None else list(found.select(range(len(found))[:limit]))
        pairs: list[Labeled] = [
            (row["input_ids"], row["input_ids"] if everything else row["labels"]) for row in rows
        ]
        found = self._losses(pairs, f"the {split.value} split", batch_size)
        places = self.data.places(split.value, len(rows))
        return [
            replace(loss, where=where, source=source)
            for loss, (where, source) in zip(found, places, strict=True)
        ]

    def text_losses(
        self, texts: list[str], max_length: int, batch_size: int | None = None
    ) -> list[ExampleLoss]:
        """Return the loss of each plain text, begun as the tokenizer does, cut at `max_length`."""
        encoded = self.tokenizer(texts, truncation=True, max_length=max_length)["input_ids"]
        return self._losses([(ids, ids) for ids in encoded], "the general text", batch_size)

    def reply_losses(
        self, asked: Sequence[tuple[Example, str | dict[str, Any]]], batch_size: int | None = None
    ) -> list[ExampleLoss]:
        """Return the loss of each reply to its example's question, as the template writes it."""
        pairs = [self._replies.labeled(example, reply) for example, reply in asked]
        found = self._losses(pairs, "the replies", batch_size)
        return [
            replace(loss, where=example.where, source=example.source)
            for loss, (example, _) in zip(found, asked, strict=True)
        ]

    def timed(self, prompts: list[list[int]], new_tokens: int, batch_size: int) -> list[Timing]:
        """Return how long each prompt took, whatever was said."""
        return timing.timed(self.model, prompts, new_tokens, batch_size)

    def peak_memory(self, work: Callable[[], T]) -> tuple[T, int | None]:
        """Do some work; return its result, and the most bytes that weights and work took."""
        return timing.peak_memory(self.model, work)

    def load_seconds(self, times: int) -> list[float]:
        """Return the seconds of each loading from disk, beside the model that is measured."""
        return [] if self.stored is None else timing.loading(self.stored, self.model.device, times)

    def stored_bytes(self) -> int | None:
        """Return what the model takes on disk, with all that it stands on."""
        return None if self.stored is None else self.stored.bytes

    def harness(self, asked: Harness, batch_size: int) -> SuiteResult:
        """Return what lm-evaluation-harness finds by itself in the model."""
        from ftrecipe.stages.measuring.harness import measured  # it imports much

        return measured(self.model, self.tokenizer, asked, batch_size)

    @cached_property
    def _replies(self) -> Replies:
        return Replies(self.tokenizer)

    def _losses(self, pairs: list[Labeled], what: str, batch_size: int | None) -> list[ExampleLoss]:
        if not any(label != IGNORED for _, labels in pairs for label in labels[1:]):
            raise StageError(f"{what} has no token that counts, so there is no loss to measure")
        with self._progress("losses", len(pairs)) as tick:
            found = losses(self.model, pairs, batch_size, tick)
        stands_for = TextBytes(self.tokenizer)
        return [
            replace(loss, text_bytes=stands_for.counted(*pair))
            for loss, pair in zip(found, pairs, strict=True)
        ]

    @contextmanager
    def _progress(self, label: str, total: int) -> Iterator[Tick]:
        if self.screen is None:
            yield silent
            return
        with self.screen.progress(label, total) as bar:
            yield bar.update


def dataset(data: EvalData, split: Split) -> Dataset | None:
    """Return the tokens of one split, None where it is empty."""
    of = {Split.train: data.train, Split.validation: data.validation, Split.test: data.test}
    return of[split]()


def questions(data: EvalData, split: Split) -> list[Example]:
    """Return the questions of a split with answers, or for which nobody has any."""
    return asking(data.examples(split.value))


def faults(suites: dict[str, Eval], data: EvalData) -> list[str]:
    """Return one line a suite that has nothing to measure on; needs no model."""
    found = []
    for name, suite in suites.items():
        split = suite.reads()
        if split is None:
            continue
        if dataset(data, split) is None:
            lack = f"needs a {split.value} split, and the data has none"
        elif suite.generates and not questions(data, split):
            lack = f"needs questions with answers, and the {split.value} split has none"
        else:
            unfit = suite.unfit(questions(data, split))
            found += [f"eval=[{name}] on the {split.value} split: {fault}" for fault in unfit]
            continue
        found.append(f"eval=[{name}] {lack}; {_remedy(name, suite, data)}")
    return found


def _remedy(name: str, suite: Eval, data: EvalData) -> str:
    for split in (Split.test, Split.validation):
        if questions(data, split) if suite.generates else dataset(data, split):
            return f"set eval.{name}.split={split.value}, or leave {name} out of eval=[...]"
    return f"set dataset.split.test or dataset.test_path, or leave {name} out of eval=[...]"


def measure_all(
    suites: dict[str, Eval], subject: Subject, own: Mapping[str, EvalData] | None = None
) -> dict[str, SuiteResult]:
    """Measure every suite in turn, on data of its `own` where it brings some.

    Raises ConfigError with all suites that cannot be measured.
    """
    if wrong := faults(suites, subject.data):
        raise ConfigError(wrong)
    asked = {name: subject.on(data) for name, data in (own or {}).items()}
    return {name: suite.measure(asked.get(name, subject)) for name, suite in suites.items()}


def baseline_key(model_hash: str, data_fingerprint: str, suite: Eval) -> str:
    """Return what a baseline is stored under: it changes with all that could change the numbers.

    `model_hash` has to cover weights, tokenizer, chat template, dtype and quantization.
    """
    plain = {
        name: value.value if isinstance(value, Enum) else value
        for name, value in asdict(suite).items()
    }
    files = {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in suite.files().items()}
    name = GROUP.name_of(type(suite))
    whole = [METHOD, model_hash, data_fingerprint, name, plain, files]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]


def read_baseline(cache: Path, key: str) -> SuiteResult | None:
    """Return a stored baseline, None where there is none."""
    path = cache / "baseline" / f"{key}.json"
    if not path.is_file():
        return None
    stored = read_json(path)
    return SuiteResult(metrics=stored["metrics"], rows=stored["rows"])


def write_baseline(cache: Path, key: str, result: SuiteResult) -> None:
    """Store a baseline for the runs that share `cache`."""
    write_json(cache / "baseline" / f"{key}.json", asdict(result))
