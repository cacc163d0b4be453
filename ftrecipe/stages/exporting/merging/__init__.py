"""The weights of the plain model with the tune in them: what exports are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ftrecipe.components.export import Weights
from ftrecipe.stages.exporting.merging.chain import bases, streamed
from ftrecipe.stages.exporting.merging.files import Files
from ftrecipe.stages.exporting.merging.fitting import StreamError
from ftrecipe.stages.exporting.merging.nearer import Candidate, nearer
from ftrecipe.stages.exporting.merging.whole import InMemory
from ftrecipe.stages.models import Models

Prompts = Callable[[], Sequence[list[int]]]


@dataclass(frozen=True)
class Merge:
    """Merged weights, and what is to be said of them.

    tied: whether the embedding and the head are one tensor where the base's config says so.
    figures: of a quantised base, how near each of two merges came to the trained model.
    """

    weights: Weights
    tied: bool = True
    figures: dict[str, Any] | None = None


def merged(models: Models, prompts: Prompts) -> Merge:
    """Return the weights of the plain model, which are read one at a time where that can be.

    prompts: what the trained model is asked where there is a choice, which a quantised base gives.
    """
    if models.run.peft.trains_base:
        return Merge(Files(models.dir.model))
    try:
        made = {name: partial(streamed, models, name) for name in bases(models)}
        if len(made) == 1:
            weights = made["base"]()
            return Merge(weights, weights.tied)
        candidates = [Candidate(name, make()) for name, make in made.items()]
        kept, figures = nearer(models, candidates, prompts())
        return Merge(kept.weights, kept.weights.tied, figures)
    except StreamError as why:
        models.screen.say(f"export    {why}: the whole model is loaded to be merged")
        whole = InMemory(models.merged(), _stored_dtype(models))
        return Merge(whole, whole.tied)


def _stored_dtype(models: Models) -> str:
    return str(models.config.dtype or "float32").removeprefix("torch.")
