"""Suite `perplexity`: how surprised the model is by the right answers."""

from dataclasses import dataclass
from typing import ClassVar

from ftrecipe.components.eval import GROUP, Measurable, SplitEval, SuiteResult
from ftrecipe.components.eval.loss import count, mean_loss, perplexity, rows


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
        answers = model.split_losses(
            self.split, self.max_samples, everything=False, batch_size=self.batch_size
        )
        loss, tokens = mean_loss(answers), count(answers)
        right = sum(each.right for each in answers)
        metrics = {
            "loss": loss,
            "perplexity": perplexity(loss),
            "token_accuracy": 100 * right / tokens,
            "tokens": float(tokens),
        }
        if self.everything:
            metrics |= self._on_everything(model)
        return SuiteResult(metrics, rows(answers))

    def _on_everything(self, model: Measurable) -> dict[str, float]:
        losses = model.split_losses(
            self.split, self.max_samples, everything=True, batch_size=self.batch_size
        )
        loss = mean_loss(losses)
        return {"loss_everything": loss, "perplexity_everything": perplexity(loss)}
