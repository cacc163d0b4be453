"""Suite `perplexity`: how surprised the model is by the right answers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, ExampleLoss, Measurable, SplitEval, SuiteResult
from ftrecipe.components.eval.loss import perplexity, rows

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array


@GROUP.option("perplexity")
@dataclass
class Perplexity(SplitEval):
    """Loss, perplexity and token accuracy on the answer tokens of a split."""

    headline: ClassVar[str] = "perplexity"
    of: ClassVar[str] = "answers to questions"
    percents: ClassVar[tuple[str, ...]] = ("token_accuracy",)
    directions: ClassVar[dict[str, str]] = {
        "loss": "min",
        "perplexity": "min",
        "token_accuracy": "max",
        "loss_everything": "min",
        "perplexity_everything": "min",
    }

    everything: bool = False

    def measure(self, model: Measurable) -> SuiteResult:
        """Measure the answer tokens, and with `everything` the prompts too."""
        found = rows(self._losses(model, everything=False))
        if self.everything:
            whole = rows(self._losses(model, everything=True))
            for row, wider in zip(found, whole, strict=True):
                row |= {f"{name}_everything": value for name, value in wider.items()}
        return self.result(found)

    def _losses(self, model: Measurable, everything: bool) -> list[ExampleLoss]:
        return model.split_losses(self.split, self.max_samples, everything, self.batch_size)

    def tally(self, row: Row) -> dict[str, float]:
        return row

    def scores(self, sums: Sums) -> "dict[str, Array]":
        loss = sums["nll"] / sums["tokens"]
        found = {
            "loss": loss,
            "perplexity": perplexity(loss),
            "token_accuracy": 100 * sums["right"] / sums["tokens"],
            "tokens": sums["tokens"],
        }
        if self.everything:
            whole = sums["nll_everything"] / sums["tokens_everything"]
            found |= {"loss_everything": whole, "perplexity_everything": perplexity(whole)}
        return found
