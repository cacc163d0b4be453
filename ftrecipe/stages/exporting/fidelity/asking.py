"""An engine as suites ask models: questions of some data, and no answer written twice."""

from ftrecipe.components.eval import Completion, Decoding, Example, Split
from ftrecipe.stages.engines import Engine
from ftrecipe.stages.measuring.measure import EvalData, questions

Said = dict[tuple[Decoding, tuple[int, ...]], Completion]


class Asking:
    """The part of a `Measurable` that suites need which let a model answer."""

    def __init__(self, engine: Engine, data: EvalData, said: Said) -> None:
        self.engine, self.data, self.said = engine, data, said

    def examples(self, split: Split, limit: int | None = None) -> list[Example]:
        """Return the first `limit` questions of a split."""
        return questions(self.data, split)[:limit]

    def generate(
        self, prompts: list[list[int]], decoding: Decoding, batch_size: int | None = None
    ) -> list[Completion]:
        """Return one completion a prompt, in order; an engine makes batches as it likes."""
        return once(self.engine, prompts, decoding, self.said)


def once(
    engine: Engine, prompts: list[list[int]], decoding: Decoding, said: Said
) -> list[Completion]:
    """Return one completion a prompt, asking only what is not among what was `said` before."""
    keys = [(decoding, tuple(prompt)) for prompt in prompts]
    fresh = [key for key in dict.fromkeys(keys) if key not in said]
    if fresh:
        answers = engine.generate([list(prompt) for _, prompt in fresh], decoding)
        said.update(zip(fresh, answers, strict=True))
    return [said[key] for key in keys]
