"""Suite `perplexity`: how surprised the model is by the right answers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import GROUP, ExampleLoss, Measurable, SplitEval, SuiteResult
from ftrecipe.components.eval.loss import bits_per_byte, by_part, part, perplexity, rows

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

COUNTED = ("nll", "tokens", "right", "bytes")


@GROUP.option("perplexity")
@dataclass
class Perplexity(SplitEval):
    """Loss, perplexity, token accuracy and bits per byte on the answer tokens of a split.

    With `everything`, the same on all tokens, as `loss_everything` and so on. Where a mix was
    prepared, `loss.<source>` and `perplexity.<source>` tell its sources apart. `bits_per_byte` are
    the bits of all counted tokens, an answer's end included, for each UTF-8 byte of the text that
    they stand for; special tokens stand for none.
    """

    headline: ClassVar[str] = "perplexity"
    of: ClassVar[str] = "answers to questions"
    percents: ClassVar[tuple[str, ...]] = ("token_accuracy", "token_accuracy_everything")
    per_token: ClassVar[tuple[str, ...]] = (
        "loss", "perplexity", "token_accuracy", "tokens",
        "loss_everything", "perplexity_everything", "token_accuracy_everything",
        "tokens_everything",
    )  # fmt: skip
    identity: ClassVar[tuple[str, ...]] = ("where", "source")
    directions: ClassVar[dict[str, str]] = {
        "loss": "min",
        "perplexity": "min",
        "token_accuracy": "max",
        "bits_per_byte": "min",
        "loss_everything": "min",
        "perplexity_everything": "min",
        "token_accuracy_everything": "max",
        "bits_per_byte_everything": "min",
    }

    everything: bool = False

    def measure(self, model: Measurable) -> SuiteResult:
        """Measure the answer tokens, and with `everything` the prompts too."""
        found = rows(self._losses(model, everything=False))
        if self.everything:
            whole = rows(self._losses(model, everything=True))
            for row, wider in zip(found, whole, strict=True):
                row |= {f"{name}_everything": wider[name] for name in COUNTED}
        return self.result(found)

    def _losses(self, model: Measurable, everything: bool) -> list[ExampleLoss]:
        return model.split_losses(self.split, self.max_samples, everything, self.batch_size)

    def tally(self, row: Row) -> dict[str, float]:
        added = {name: value for name, value in row.items() if name not in self.identity}
        if row["source"]:
            name = part(row["source"])
            added |= {f"nll.{name}": row["nll"], f"tokens.{name}": row["tokens"]}
        return added

    def scores(self, sums: Sums) -> "dict[str, Array]":
        found = self._of(sums, "")
        if self.everything:
            found |= self._of(sums, "_everything")
        return found | by_part(sums) | {"tokens": sums["tokens"]}

    def _of(self, sums: Sums, ending: str) -> "dict[str, Array]":
        nll, tokens, right, text_bytes = (sums[f"{name}{ending}"] for name in COUNTED)
        return {
            f"loss{ending}": nll / tokens,
            f"perplexity{ending}": perplexity(nll / tokens),
            f"token_accuracy{ending}": 100 * right / tokens,
            f"bits_per_byte{ending}": bits_per_byte(nll, text_bytes),
        }
