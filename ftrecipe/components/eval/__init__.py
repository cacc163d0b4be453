"""What can be measured about a model: the base of every eval suite."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums, Tallies
from ftrecipe.components.dataset import Dataset
from ftrecipe.components.eval.asked import (
    Completion,
    Decoding,
    Example,
    ExampleLoss,
    Harness,
    Measurable,
    Split,
    SuiteResult,
    Timing,
)
from ftrecipe.components.eval.own import Own
from ftrecipe.registry import LAST_SEED, Group, bounded, never_with, only_with

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

__all__ = [
    "GROUP", "AnswerEval", "Completion", "Decoding", "Eval", "Example", "ExampleLoss", "Harness",
    "Measurable", "Split", "SplitEval", "SuiteResult", "Timing",
]  # fmt: skip


@dataclass
class Eval:
    """One measurement of a model, taken in the same way before and after training.

    A suite makes one row an example (`measure`), says what a row adds to the sums (`tally`), and
    computes its metrics from the sums (`scores`): so a bootstrap can compute them of any resample.
    """

    headline: ClassVar[str]
    """The metric to name first."""
    directions: ClassVar[dict[str, str]]
    """"max" or "min" a metric; one that is left out is neither better nor worse."""
    of: ClassVar[str]
    """What it is measured on, in the plural: "questions"."""
    percents: ClassVar[tuple[str, ...]] = ()
    """The metrics that are shares of a hundred."""
    units: ClassVar[dict[str, str]] = {}
    """"seconds" or "bytes" for metrics that are such."""
    neutral: ClassVar[tuple[str, ...]] = ()
    """The metrics that are neither better nor worse: lengths, for instance."""
    open_ended: ClassVar[bool] = False
    """Whether there may be other metrics, which only its data, tasks or functions name."""
    only_of_parts: ClassVar[tuple[str, ...]] = ()
    """The metrics that parts have and the whole has not: `f1.refund`, and no `f1`."""
    generates: ClassVar[bool] = False
    """Whether it writes answers, and so needs questions with answers rather than tokens alone."""
    identity: ClassVar[tuple[str, ...]] = ("where", "question", "expected", "source")
    """The keys of a row that say which example it is of: the same for every model."""
    own_field: ClassVar[str] = "path"
    """The field that names the data which it brings itself."""
    package: ClassVar[str | None] = None
    """What has to be installed for it beyond the `train` extra."""
    caches: ClassVar[bool] = True
    """Whether a result holds for another run: what a clock says does not."""
    loads_code: ClassVar[bool] = False
    """Whether `unfit` imports code of other packages, which is left to workers."""
    per_token: ClassVar[tuple[str, ...]] = ()
    """The metrics that are counted by the token: of two tokenizers, they cannot be compared."""

    max_samples: int | None = bounded(None, 1)
    batch_size: int | None = bounded(None, 1)

    def measure(self, model: Measurable) -> SuiteResult:
        """Measure one model."""
        raise NotImplementedError

    def tally(self, row: Row) -> dict[str, float]:
        """Return what one example's row adds to the sums."""
        raise NotImplementedError

    def scores(self, sums: Sums) -> "dict[str, Array]":
        """Return the metrics of one or of many samples, each an array [samples]."""
        raise NotImplementedError

    def result(self, rows: list[Row], alone: dict[str, float] | None = None) -> SuiteResult:
        """Return rows with their metrics; `alone` holds those that are no sum over examples."""
        return SuiteResult(Tallies(self, rows).metrics() | (alone or {}), rows)

    def direction(self, metric: str) -> str | None:
        """Return "max" or "min" where a metric can be better or worse.

        A metric of a part, `loss.faq` for instance, is as its name before the point says.
        """
        if metric in self.only_of_parts:
            return None
        return self.directions.get(metric) or self.directions.get(metric.partition(".")[0])

    def metrics(self) -> list[str]:
        """Return the metrics that it is known to measure before it does."""
        named = dict.fromkeys([*self.directions, *self.percents, *self.units, *self.neutral])
        return [metric for metric in named if metric not in self.only_of_parts]

    def may_measure(self, metric: str) -> bool:
        """Tell whether it may have such a metric; that of a part (`f1.refund`) is known by name."""
        named = {metric, metric.partition(".")[0]} & {*self.metrics()}
        return bool(named) or self.open_ended or self.direction(metric) is not None

    def is_percent(self, metric: str) -> bool:
        """Tell whether a metric is a share of a hundred."""
        return metric in self.percents or metric.partition(".")[0] in self.percents

    def reads(self) -> Split | None:
        """Return the split of the run's data that is read, None for a suite with its own data."""
        return None

    def own_data(self, dataset: Dataset) -> Dataset | None:
        """Return the data that it brings itself, asked as the run's `dataset` is; None for none.

        Raises DataError where its file does not show what it is.
        """
        return None

    def files(self) -> dict[str, Path]:
        """Return by field the files that are read besides prepared data; a baseline's key."""
        return {}

    def faults(self) -> list[str]:
        """Say what is wrong with the settings, each beginning with the name of one."""
        return []

    def foreign(self) -> list[str]:
        """Say what of its files would run code here: nothing that a recipe names may, unasked."""
        return []

    def look(self) -> None:
        """Look, before a model is loaded, for what libraries have to be asked about.

        Raises ConfigError with what is wrong.
        """

    def unfit(self, examples: Sequence[Example]) -> list[str]:
        """Say why these questions cannot be measured; asked before a model is loaded."""
        return []


@dataclass
class SplitEval(Eval):
    """A suite on a split of the run's own data, or on all of a file or hub data set: `path`.

    format, columns, subset, hub_split: how that is read, as of a dataset.
    """

    split: Split = never_with("path", Split.test)
    path: str | None = None
    format: str = only_with("path", "auto")
    columns: dict[str, str] = only_with("path", field(default_factory=dict))
    subset: str | None = only_with("path", None)
    hub_split: str = only_with("path", "test")

    def reads(self) -> Split | None:
        return self.split if self.path is None else None

    def own_data(self, dataset: Dataset) -> Dataset | None:
        if self.path is None:
            return None
        return Own(self.path, self.format, self.columns, self.subset, self.hub_split).read(dataset)


@dataclass
class AnswerEval(SplitEval):
    """A suite that lets the model answer the questions of a split."""

    of: ClassVar[str] = "questions"
    generates: ClassVar[bool] = True
    judges: ClassVar[bool] = True
    """Whether it holds answers against what was expected, so that anybody's can be scored."""

    max_new_tokens: int = bounded(64, 1)
    temperature: float = bounded(0.0, 0, 100)
    top_p: float = only_with("temperature", bounded(1.0, 0, 1))
    top_k: int | None = only_with("temperature", bounded(None, 1))
    repetition_penalty: float = bounded(1.0, 0.1, 10)
    stop: list[str] = field(default_factory=list)
    seed: int = only_with("temperature", bounded(0, 0, LAST_SEED))

    def decoding(self) -> Decoding:
        """Return how its answers are written."""
        return Decoding(
            max_new_tokens=self.max_new_tokens,
            temperature=self.temperature,
            seed=self.seed,
            top_p=self.top_p,
            top_k=self.top_k,
            repetition_penalty=self.repetition_penalty,
            stop=tuple(self.stop),
        )

    def measure(self, model: Measurable) -> SuiteResult:
        """Let the model answer every question, and judge each answer by itself."""
        examples = model.examples(self.split, self.max_samples)
        prompts = [example.prompt_ids for example in examples]
        completions = model.generate(prompts, self.decoding(), self.batch_size)
        return self.result([self.row(*one) for one in zip(examples, completions, strict=True)])

    def row(self, example: Example, said: Completion) -> Row:
        """Return an answer with what its question was, and what `judged` says of it."""
        return {
            "where": example.where,
            "question": example.question,
            "expected": example.answers,
            "answer": said.text,
            "ended": said.ended,
            **self.judged(example, said),
        }

    def judged(self, example: Example, said: Completion) -> Row:
        """Return what is seen of one answer; needs no model, so that any answer can be judged."""
        raise NotImplementedError


GROUP = Group("eval", Eval, many=True)
