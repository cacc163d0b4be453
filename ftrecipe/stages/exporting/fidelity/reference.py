"""The trained model as it was trained: asked once, before anything is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from peft import PeftModel

from ftrecipe.components.eval import Completion
from ftrecipe.stages.exporting.fidelity.asked import Asked
from ftrecipe.stages.exporting.room import FLOAT32
from ftrecipe.stages.exporting.trained import trained
from ftrecipe.stages.measuring.distributions import along, expectations, expected
from ftrecipe.stages.measuring.generation import Tick, silent, write
from ftrecipe.stages.measuring.losses import losses
from ftrecipe.stages.measuring.modes import Model
from ftrecipe.stages.measuring.stopping import Stops
from ftrecipe.stages.models import Models


@dataclass(frozen=True)
class Reference:
    """What the trained model said.

    tokens: of each answer, without the one that ended it. margins: at each of them, and at what
    came after, how much likelier (in nats) the chosen token was than the next one. contexts: the
    ids after which log-probabilities [contexts, vocabulary] were asked for. base: the same of the
    model before training, None where that is not at hand. far: log-probabilities in the long
    text. losses: of each reference answer, summed in nats.
    """

    compute: str
    answers: list[Completion]
    tokens: list[list[int]]
    margins: list[list[float]]
    contexts: list[list[int]]
    logprobs: np.ndarray
    base: np.ndarray | None
    far: np.ndarray
    losses: list[float]


def reference(models: Models, asked: Asked, tick: Tick = silent) -> Reference:
    """Ask the trained model, and let its memory go."""
    quantized = models.quantization() is not None
    model, compute = trained(models)
    found = _asked(model, asked, tick)
    # Numbers that a quantised base gives depend on what else is in a batch: it is asked in the
    # batches that artefacts are.
    logprobs = expected(model, found.contexts) if quantized else found.logprobs
    asks_base = isinstance(model, PeftModel) and not models.run.peft.mutates_base
    base = _without_adapter(cast(PeftModel, model), found.contexts) if asks_base else None
    del model
    models.let_go()
    return replace(found, compute=compute, logprobs=logprobs, base=base)


def _without_adapter(model: PeftModel, contexts: Sequence[list[int]]) -> np.ndarray:
    """Return the log-probabilities of the model as it was before training."""
    with model.disable_adapter():
        return expected(model, contexts)


def _asked(model: Model, asked: Asked, tick: Tick) -> Reference:
    stops = Stops(model, asked.tokenizer, ())
    written = write(model, stops, asked.prompts, asked.decoding, tick=tick)
    answers = [stops.completion(ids) for ids in written]
    tokens = [ids[: said.tokens] for ids, said in zip(written, answers, strict=True)]
    whole = [prompt + ids for prompt, ids in zip(asked.prompts, tokens, strict=True)]
    read = _read(model, whole, tokens)
    contexts = [
        prompt + ids[:place]
        for prompt, ids, (_, at) in zip(asked.prompts, tokens, read, strict=True)
        for place in at
    ]
    margins = [each for each, _ in read]
    logprobs = np.stack([row for _, at in read for row in at.values()])
    far = along(model, asked.long, asked.places) if asked.long else logprobs[:0]
    sums = [each.nll for each in losses(model, asked.rows)]
    return Reference(FLOAT32, answers, tokens, margins, contexts, logprobs, None, far, sums)


def places(row: int, answer: Sequence[int]) -> list[int]:
    """Return after how many tokens of an answer log-probabilities are looked at.

    At its beginning, and at one place in it that is another in each row: a vocabulary of 49,000
    tokens takes llama.cpp half a second at one place.
    """
    return [0, 1 + row % len(answer)] if answer else [0]


def _read(
    model: Model, whole: Sequence[list[int]], tokens: Sequence[list[int]]
) -> list[tuple[list[float], dict[int, np.ndarray]]]:
    """Return of each answer its margins, and by place the log-probabilities there."""
    found: dict[int, tuple[list[float], dict[int, np.ndarray]]] = {}
    for row, logprobs in expectations(model, whole, [len(ids) + 1 for ids in tokens]):
        best = logprobs.topk(2).values
        at = {place: logprobs[place].numpy().copy() for place in places(row, tokens[row])}
        found[row] = (best[:, 0] - best[:, 1]).tolist(), at
    return [found[row] for row in range(len(whole))]
