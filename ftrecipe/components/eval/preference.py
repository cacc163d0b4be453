"""Suite `preference`: does the model find the better of two answers likelier than the worse one?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import (
    GROUP,
    Example,
    ExampleLoss,
    Measurable,
    SplitEval,
    SuiteResult,
)
from ftrecipe.components.eval.likelihood import Normalize, likelihood
from ftrecipe.errors import DataError

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

Message = dict[str, Any]
SIDES = ("chosen", "rejected")


@GROUP.option("preference")
@dataclass
class Preference(SplitEval):
    """How often the chosen answer is the likelier one, in percent, and by how much on average.

    A token's mean is compared unless `normalize` says otherwise: of whole answers, the shorter one
    would nearly always win. Nothing is generated. `margin` is in nats.
    """

    headline: ClassVar[str] = "accuracy"
    of: ClassVar[str] = "pairs of answers"
    percents: ClassVar[tuple[str, ...]] = ("accuracy",)
    directions: ClassVar[dict[str, str]] = {"accuracy": "max", "margin": "max"}
    identity: ClassVar[tuple[str, ...]] = ("where", "question", "chosen", "rejected", "source")

    normalize: Normalize = Normalize.tokens

    def measure(self, model: Measurable) -> SuiteResult:
        """Measure how likely both answers to every question are."""
        examples = model.examples(self.split, self.max_samples)
        if unfit := self.unfit(examples):
            raise DataError(f"eval=[preference]: {fault}" for fault in unfit)
        pairs = [_replies(example, side) for example in examples for side in SIDES]
        every = model.reply_losses([one for side in pairs for one in side], self.batch_size)
        losses = iter(every)
        found = [_whole(list(islice(losses, len(side)))) for side in pairs]
        rows = [self._row(*each) for each in zip(examples, found[::2], found[1::2], strict=True)]
        return self.result(rows)

    def _row(self, example: Example, chosen: ExampleLoss, rejected: ExampleLoss) -> Row:
        texts = [_text(_side(example, side)) for side in SIDES]
        better, worse = (
            likelihood(loss, text, self.normalize)
            for loss, text in zip((chosen, rejected), texts, strict=True)
        )
        return {
            "where": example.where,
            "question": example.question,
            "chosen": texts[0],
            "rejected": texts[1],
            "source": example.source,
            "chosen_nll": chosen.nll,
            "chosen_tokens": chosen.tokens,
            "rejected_nll": rejected.nll,
            "rejected_tokens": rejected.tokens,
            "margin": better - worse,
        }

    def tally(self, row: Row) -> dict[str, float]:
        """Add who is likelier: of two that are equally likely, none is preferred."""
        return {"right": float(row["margin"] > 0), "margin": row["margin"]}

    def scores(self, sums: Sums) -> "dict[str, Array]":
        return {
            "accuracy": 100 * sums.mean("right"),
            "margin": sums.mean("margin"),
            "pairs": sums.examples,
        }

    def unfit(self, examples: Sequence[Example]) -> list[str]:
        if examples and all(example.chosen and example.rejected for example in examples):
            return super().unfit(examples)
        lone = next((each.where for each in examples if not (each.chosen and each.rejected)), None)
        found = f"{lone} is none" if lone else "there is none"
        return [
            f"needs pairs of a chosen and a rejected answer, and {found}; set "
            "eval.preference.path=FILE, with the columns prompt, chosen and rejected"
        ]


def _side(example: Example, side: str) -> list[Message]:
    found = example.chosen if side == "chosen" else example.rejected
    return found or []


def _replies(example: Example, side: str) -> list[tuple[Example, str | Message]]:
    """Return every message of the assistant on one side, each with all that is said before it."""
    said = _side(example, side)
    return [
        (_after(example, said[:at]), message)
        for at, message in enumerate(said)
        if message["role"] == "assistant"
    ]


def _after(example: Example, said: list[Message]) -> Example:
    """Return the example as it is asked after more has been said."""
    if not said:
        return example
    return cast(Example, replace(cast(Any, example), messages=[*example.messages, *said]))


def _whole(losses: list[ExampleLoss]) -> ExampleLoss:
    return ExampleLoss(
        sum(loss.nll for loss in losses),
        sum(loss.tokens for loss in losses),
        sum(loss.right for loss in losses),
    )


def _text(said: list[Message]) -> str:
    """Return what one side says; of several messages, each with its role."""
    if len(said) == 1:
        return said[0]["content"]
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in said)
