"""The weights of the plain model with the tune in them: what exports are made of."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ftrecipe.components.export import Weights
from ftrecipe.components.model import FromRun
from ftrecipe.stages.exporting.merging.adapted import Adapted
from ftrecipe.stages.exporting.merging.files import Files
from ftrecipe.stages.exporting.merging.fitting import StreamError, fitted
from ftrecipe.stages.exporting.merging.hollow import grown_to, skeleton
from ftrecipe.stages.exporting.merging.nearer import Candidate, nearer
from ftrecipe.stages.exporting.merging.quantized import Dequantized
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
        made = {name: partial(_streamed, models, name) for name in _bases(models)}
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


def _bases(models: Models) -> tuple[str, ...]:
    """Return what can be merged into: of a quantised base also what quantisation left of it."""
    return ("base",) if models.quantization() is None else ("base", "dequantized")


def _streamed(models: Models, base: str) -> Adapted:
    """Return the base's weights with this run's adapter in them, and an earlier one's before it."""
    model = partial(skeleton, models.config, grown_to(models))
    plain = model()
    source = fitted(Files(models.source_folder()), plain)
    made: Adapted | None = None
    for adapter in _adapters(models):
        if made is not None:
            plain = model(made.tied)
        below = source if made is None else made
        if base == "dequantized":
            below = Dequantized(below, models.quantization(), plain)
        made = Adapted(below, plain, adapter)
    assert made is not None
    return made


def _adapters(models: Models) -> Iterator[Path]:
    """Yield the folders of the adapters to merge, in their order."""
    before = models.earlier.adapter if models.earlier else None
    if before is not None and models.run.model.from_run_as is FromRun.merged:
        yield before
    yield models.dir.adapter


def _stored_dtype(models: Models) -> str:
    return str(models.config.dtype or "float32").removeprefix("torch.")
