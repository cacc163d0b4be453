"""What can be measured about a model: the base of every eval suite, and what a suite is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from ftrecipe.compare.tallies import Row, Sums, Tallies
from ftrecipe.components.dataset import Dataset
from ftrecipe.components.eval.own import Own
from ftrecipe.registry import LAST_SEED, Group, bounded

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

T = TypeVar("T")


class Split(Enum):
    """The part of the data that a suite reads."""

    train = "train"
    validation = "validation"
    test = "test"


@dataclass(frozen=True)
class Decoding:
    """How answers are written; two suites that agree on it share one generation.

    temperature: 0 takes the likeliest token. top_p, top_k: of how many tokens one is drawn, None
    for all. repetition_penalty: what the odds of tokens are divided by that prompt or answer have.
    stop: texts that end an answer, and are no part of it. seed: of the dice, which each prompt has
    for itself.
    """

    max_new_tokens: int = 64
    temperature: float = 0.0
    seed: int = 0
    top_p: float = 1.0
    top_k: int | None = None
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Completion:
    """One answer: its text, its length, and whether it ended by itself.

    ended: None where nobody knows, of answers that others have written. missing: nobody has
    answered, which is never right, as saying nothing can be.
    """

    text: str
    tokens: int
    ended: bool | None
    missing: bool = False


@dataclass(frozen=True)
class ExampleLoss:
    """The negative log-likelihood (nats) summed over the counted tokens of one example.

    right: how many of them are the ones that the model finds likeliest.
    text_bytes: the UTF-8 bytes of the text that they stand for; special tokens stand for none.
    where, source: the row that it is of, and its source in a mix; "" where there is none.
    """

    nll: float
    tokens: int
    right: int
    text_bytes: int = 0
    where: str = ""
    source: str = ""

    @property
    def greedy(self) -> bool:
        """Whether greedy decoding would write these tokens."""
        return self.right == self.tokens


@dataclass(frozen=True)
class Harness:
    """What lm-evaluation-harness is asked: tasks as it has loaded them, and how they are put.

    limit: the examples of each task, None for all.
    """

    tasks: Any
    num_fewshot: int | None = None
    limit: int | None = None
    apply_chat_template: bool = False


@dataclass(frozen=True)
class Timing:
    """How long a model took to answer one prompt: `first_token` and `rest` in seconds.

    rest: the prompt's share of what its batch took after that, in which it got `tokens`.
    """

    first_token: float
    rest: float
    tokens: int


class Example(Protocol):
    """One question that a suite may ask; the data floor makes them.

    prompt_ids: what the model reads. messages: the same as a conversation, without the answer;
    empty for raw completions. answers: all that are accepted, the first one being trained.
    reply: the expected answer as a message, with the tools it calls; None for raw completions.
    source: the name of its source in a mix, else "". completion: of a raw completion what follows
    the prompt, to the letter.
    chosen, rejected: of a preference pair, what follows the messages; else None.
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
    completion: str
    chosen: list[dict[str, Any]] | None
    rejected: list[dict[str, Any]] | None


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
        self, asked: Sequence[tuple[Example, str | dict[str, Any]]], batch_size: int | None = None
    ) -> list[ExampleLoss]:
        """Return the loss of each reply, a text or a message, as the template writes it.

        What ends the answer counts too; nothing is parsed, and nothing is generated.
        """
        ...

    def timed(self, prompts: list[list[int]], new_tokens: int, batch_size: int) -> list[Timing]:
        """Return how long each prompt took; every answer has `new_tokens`, whatever it says."""
        ...

    def peak_memory(self, work: Callable[[], T]) -> tuple[T, int | None]:
        """Do some work; return its result, and the most bytes that weights and work took.

        None where the system does not tell.
        """
        ...

    def load_seconds(self, times: int) -> list[float]:
        """Return the seconds of each loading from disk; fewer where memory is short."""
        ...

    def stored_bytes(self) -> int | None:
        """Return what the model takes on disk, with all that it stands on; None if unknown."""
        ...

    def harness(self, asked: Harness, batch_size: int) -> "SuiteResult":
        """Return what lm-evaluation-harness finds by itself in the model.

        A row an example has the `metrics` that are means over them, and as `main` the first of
        which more is better, None for none.
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
    neutral: ClassVar[tuple[str, ...]] = ()
    """The metrics that are neither better nor worse: lengths, for instance."""
    open_ended: ClassVar[bool] = False
    """Whether there may be other metrics, which only its data, tasks or functions name."""
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
        return self.directions.get(metric) or self.directions.get(metric.partition(".")[0])

    def metrics(self) -> list[str]:
        """Return the metrics that it is known to measure before it does."""
        return list(dict.fromkeys([*self.directions, *self.percents, *self.units, *self.neutral]))

    def may_measure(self, metric: str) -> bool:
        """Tell whether it may have such a metric; that of a part (`f1.refund`) is known by name."""
        whole = metric.partition(".")[0]
        named = metric in self.metrics() or whole in self.metrics()
        return named or self.open_ended or self.direction(metric) is not None

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

    split: Split = Split.test
    path: str | None = None
    format: str = "auto"
    columns: dict[str, str] = field(default_factory=dict)
    subset: str | None = None
    hub_split: str = "test"

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
    top_p: float = bounded(1.0, 0, 1)
    top_k: int | None = bounded(None, 1)
    repetition_penalty: float = bounded(1.0, 0.1, 10)
    stop: list[str] = field(default_factory=list)
    seed: int = bounded(0, 0, LAST_SEED)

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
