"""What can be measured about a model: the base of every eval suite, and what a suite is given."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ftrecipe.compare.tallies import Row, Sums, Tallies
from ftrecipe.registry import LAST_SEED, Group, bounded

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array


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
    """The negative log-likelihood (nats) summed over the counted tokens of one example.

    greedy: whether each counted token is the one that the model finds likeliest.
    """

    nll: float
    tokens: int
    right: int

    @property
    def greedy(self) -> bool:
        """Whether greedy decoding would write these tokens."""
        return self.right == self.tokens


class Example(Protocol):
    """One question that a suite may ask; the data floor makes them.

    prompt_ids: what the model reads. messages: the same as a conversation, without the answer;
    empty for raw completions. answers: all that are accepted, the first one being trained.
    reply: the expected answer as a message, with the tools it calls; None for raw completions.
    source: the name of its source in a mix, else "".
    """

    prompt_ids: list[int]
    question: str
    prompt_text: str
    answers: list[str]
    where: str
    messages: list[dict[str, Any]]
    tools: list[Any] | None
    reply: dict[str, Any] | None
    source: str


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

    def reply_losses(
        self, asked: Sequence[tuple[Example, str]], batch_size: int | None = None
    ) -> list[ExampleLoss]:
        """Return the loss of each reply to its example's question, as the template writes it.

        What ends the answer counts too; nothing is parsed, and nothing is generated.
        """
        ...


@dataclass
class SuiteResult:
    """What a suite found: plain numbers, and one row an example so that anyone can recompute."""

    metrics: dict[str, float] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)


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
    generates: ClassVar[bool] = False
    """Whether it writes answers, and so needs questions with answers rather than tokens alone."""
    identity: ClassVar[tuple[str, ...]] = ("where", "question", "expected", "source")
    """The keys of a row that say which example it is of: the same for every model."""
    package: ClassVar[str | None] = None
    """What has to be installed for it beyond the `train` extra."""

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
        return self.directions.get(metric) or self.directions.get(metric.partition(".")[0])

    def is_percent(self, metric: str) -> bool:
        """Tell whether a metric is a share of a hundred."""
        return metric in self.percents or metric.partition(".")[0] in self.percents

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

    def measure(self, model: Measurable) -> SuiteResult:
        """Let the model answer every question, and judge each answer by itself."""
        examples = model.examples(self.split, self.max_samples)
        decoding = Decoding(self.max_new_tokens, self.temperature, self.seed)
        prompts = [example.prompt_ids for example in examples]
        completions = model.generate(prompts, decoding, self.batch_size)
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
