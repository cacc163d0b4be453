"""What can be measured about a model: the base of every eval suite, and what a suite is given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ftrecipe.registry import LAST_SEED, Group, bounded


class Split(Enum):
    """The part of the data that a suite reads."""

    train = "train"
    validation = "validation"
    test = "test"


@dataclass(frozen=True)
class Decoding:
    """How answers are written; two suites that agree on it share one generation."""

    max_new_tokens: int = bounded(64, 1)
    temperature: float = bounded(0.0, 0, 100)
    seed: int = bounded(0, 0, LAST_SEED)


@dataclass(frozen=True)
class Completion:
    """One generated answer: its text, its length, and whether it ended by itself."""

    text: str
    tokens: int
    ended: bool


@dataclass(frozen=True)
class ExampleLoss:
    """The negative log-likelihood (nats) summed over the counted tokens of one example."""

    nll: float
    tokens: int
    right: int


class Example(Protocol):
    """One question that a suite may ask; the data floor makes them."""

    prompt_ids: list[int]
    question: str
    answers: list[str]
    where: str


class Measurable(Protocol):
    """One loaded model with the run's prepared data: all that a suite may ask of it."""

    def examples(self, split: Split, limit: int | None = None) -> Sequence[Example]:
        """Return the first `limit` questions of a split, with their expected answers."""
        ...

    def generate(
        self, prompts: list[list[int]], decoding: Decoding, batch_size: int | None = None
    ) -> list[Completion]:
        """Return one completion a prompt, in order; no prompt is asked twice."""
        ...

    def split_losses(
        self,
        split: Split,
        limit: int | None = None,
        everything: bool = False,
        batch_size: int | None = None,
    ) -> list[ExampleLoss]:
        """Return the loss of each example on its answer tokens, or on `everything`."""
        ...

    def text_losses(
        self, texts: list[str], max_length: int, batch_size: int | None = None
    ) -> list[ExampleLoss]:
        """Return the loss of each plain text, cut at `max_length` tokens."""
        ...


@dataclass
class SuiteResult:
    """What a suite found: plain numbers, and one row an example so that anyone can recompute."""

    metrics: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Eval:
    """One measurement of a model, taken in the same way before and after training."""

    headline: ClassVar[str]
    """The metric to name first."""
    directions: ClassVar[dict[str, str]]
    """"max" or "min" a metric; one that is left out is neither better nor worse."""
    of: ClassVar[str]
    """What it is measured on, in the plural: "questions"."""
    percents: ClassVar[tuple[str, ...]] = ()
    """The metrics that are shares of a hundred."""
    generates: ClassVar[bool] = False
    """Whether it writes answers, and so needs questions with answers rather than tokens alone."""

    max_samples: int | None = bounded(None, 1)
    batch_size: int | None = bounded(None, 1)

    def measure(self, model: Measurable) -> SuiteResult:
        """Measure one model."""
        raise NotImplementedError

    def reads(self) -> Split | None:
        """Return the split of the run's data that is read, None for a suite with its own data."""
        return None

    def files(self) -> dict[str, Path]:
        """Return by field the files that are read besides the run's data; a baseline's key."""
        return {}


@dataclass
class SplitEval(Eval):
    """A suite on a split of the run's own data."""

    split: Split = Split.test

    def reads(self) -> Split | None:
        return self.split


@dataclass
class AnswerEval(SplitEval):
    """A suite that lets the model answer the questions of a split."""

    of: ClassVar[str] = "questions"
    generates: ClassVar[bool] = True

    max_new_tokens: int = bounded(64, 1)
    temperature: float = bounded(0.0, 0, 100)
    seed: int = bounded(0, 0, LAST_SEED)

    def answered(self, model: Measurable) -> list[tuple[Example, Completion]]:
        """Return every question of the split with the model's answer."""
        examples = model.examples(self.split, self.max_samples)
        decoding = Decoding(self.max_new_tokens, self.temperature, self.seed)
        prompts = [example.prompt_ids for example in examples]
        completions = model.generate(prompts, decoding, self.batch_size)
        return list(zip(examples, completions, strict=True))


GROUP = Group("eval", Eval, many=True)
