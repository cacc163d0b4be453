"""Has a suite's heaviest batch computed, and nothing more: whether there is memory for it."""

from contextlib import suppress
from dataclasses import replace

from ftrecipe.components.eval import (
    Completion,
    Decoding,
    Eval,
    ExampleLoss,
    Harness,
    SuiteResult,
    Timing,
)
from ftrecipe.components.eval.asked import Labeled
from ftrecipe.stages.measuring.generation import generate, in_batches
from ftrecipe.stages.measuring.losses import in_batches as loss_batches
from ftrecipe.stages.measuring.losses import losses
from ftrecipe.stages.measuring.measure import Subject

NEW_TOKENS = 2  # reading the questions takes the memory; the second token reads what was kept


class Enough(Exception):  # noqa: N818
    """Ends a suite once its first batch is done."""


def try_first_batch(suite: Eval, subject: "FirstBatch") -> None:
    """Have `suite` ask for what it needs, and end it after its heaviest batch."""
    with suppress(Enough):
        suite.measure(subject)


class FirstBatch(Subject):
    """A model of which only the heaviest batch of a suite is asked, and no answer is given."""

    def generate(
        self, prompts: list[list[int]], decoding: Decoding, batch_size: int | None = None
    ) -> list[Completion]:
        """Have the longest prompts read, as many at once as all of an answer's tokens allow."""
        device = self.model.device.type
        for rows in in_batches(prompts, decoding.max_new_tokens, batch_size, device):
            short = replace(decoding, max_new_tokens=min(NEW_TOKENS, decoding.max_new_tokens))
            asked = [prompts[row] for row in rows]
            generate(self.model, self.tokenizer, asked, short, len(rows))
            break
        raise Enough

    def timed(self, prompts: list[list[int]], new_tokens: int, batch_size: int) -> list[Timing]:
        """Have the longest prompts answered as many at once as will be timed."""
        self.generate(prompts, Decoding(max_new_tokens=new_tokens), batch_size)
        return []

    def harness(self, asked: Harness, batch_size: int) -> SuiteResult:
        """Ask nothing: what its tasks will ask is known to the harness alone."""
        raise Enough

    def _losses(self, pairs: list[Labeled], what: str, batch_size: int | None) -> list[ExampleLoss]:
        for rows in loss_batches(self.model, pairs, batch_size):
            losses(self.model, [pairs[row] for row in rows], len(rows))
            break
        raise Enough
