"""Suite `latency`: how long one waits for the model, and what room it needs."""

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.compare.tallies import Row, Sums
from ftrecipe.components.eval import (
    GROUP,
    Example,
    Measurable,
    SplitEval,
    SuiteResult,
    Timing,
)
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array


@GROUP.option("latency")
@dataclass
class Latency(SplitEval):
    """Time to the first token, tokens a second alone and in a batch, loading, memory and disk.

    Each prompt of a split is answered with `max_new_tokens` tokens, `repeats` times after one that
    is not counted; its row has the medians. Speed is counted from the first token on. An adapter is
    timed as it is measured: on its base, not merged into it.
    """

    headline: ClassVar[str] = "tokens_per_second"
    of: ClassVar[str] = "prompts"
    generates: ClassVar[bool] = True
    caches: ClassVar[bool] = False
    directions: ClassVar[dict[str, str]] = {
        "first_token_seconds": "min",
        "tokens_per_second": "max",
        "tokens_per_second_batched": "max",
        "load_seconds": "min",
        "peak_memory_bytes": "min",
        "size_bytes": "min",
    }
    units: ClassVar[dict[str, str]] = {
        "first_token_seconds": "seconds",
        "tokens_per_second": "tokens/s",
        "tokens_per_second_batched": "tokens/s",
        "load_seconds": "seconds",
        "peak_memory_bytes": "bytes",
        "size_bytes": "bytes",
    }

    max_samples: int | None = bounded(16, 1)
    batch_size: int | None = bounded(8, 1)
    max_new_tokens: int = bounded(32, 2)
    repeats: int = bounded(3, 1, 100)
    loads: int = bounded(3, 0, 100)

    def measure(self, model: Measurable) -> SuiteResult:
        """Time both ways of asking, then loading; in batches first, since they need the most."""
        examples = model.examples(self.split, self.max_samples)
        prompts = [example.prompt_ids for example in examples]
        at_once = min(self.batch_size or len(prompts), len(prompts))

        def work() -> tuple[list[list[Timing]], list[list[Timing]]]:
            batched = self._again(model, prompts, at_once)
            return self._again(model, prompts, 1), batched

        (single, batched), memory = model.peak_memory(work)
        rows = [
            self._row(*one)
            for one in zip(
                examples, zip(*single, strict=True), zip(*batched, strict=True), strict=True
            )
        ]
        loaded = model.load_seconds(self.loads)
        alone = {
            "load_seconds": median(loaded) if loaded else None,
            "peak_memory_bytes": memory,
            "size_bytes": model.stored_bytes(),
        }
        known = {name: float(value) for name, value in alone.items() if value is not None}
        return self.result(rows, known)

    def _again(
        self, model: Measurable, prompts: list[list[int]], batch_size: int
    ) -> list[list[Timing]]:
        """Return the timings of all prompts, each time anew; the first time is not counted."""
        times = range(1 + self.repeats)
        return [model.timed(prompts, self.max_new_tokens, batch_size) for _ in times][1:]

    def _row(
        self, example: Example, single: tuple[Timing, ...], batched: tuple[Timing, ...]
    ) -> Row:
        return {
            "where": example.where,
            "question": example.question,
            "source": example.source,
            "first_token_seconds": median(one.first_token for one in single),
            "seconds": median(one.rest for one in single),
            "tokens": single[0].tokens,
            "batched_seconds": median(one.rest for one in batched),
            "batched_tokens": batched[0].tokens,
        }

    def tally(self, row: Row) -> dict[str, float]:
        return {name: value for name, value in row.items() if name not in self.identity}

    def scores(self, sums: Sums) -> "dict[str, Array]":
        return {
            "first_token_seconds": sums.mean("first_token_seconds"),
            "tokens_per_second": sums["tokens"] / sums["seconds"],
            "tokens_per_second_batched": sums["batched_tokens"] / sums["batched_seconds"],
        }
