"""What a suite may ask of a model, and what it is answered; nothing here measures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeVar

from ftrecipe.compare.tallies import Row

T = TypeVar("T")
Asking = TypeVar("Asking", bound="Example")

Labeled = tuple[list[int], list[int]]
"""`input_ids`, and `labels` of the same length: the token's id where it counts, else -100."""


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
    the prompt, to the letter. open: nobody has said what the answer is.
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
    open: bool
    chosen: list[dict[str, Any]] | None
    rejected: list[dict[str, Any]] | None


def asking(examples: Iterable[Asking]) -> list[Asking]:
    """Return those with answers, or for which nobody has any: what a suite has questions of."""
    return [example for example in examples if example.answers or example.open]


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
