"""The trained model as it was trained: asked once, before anything is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from peft import PeftModel

from ftrecipe import devices
from ftrecipe.components.eval import Completion
from ftrecipe.components.hardware import Device
from ftrecipe.memory import GIB
from ftrecipe.stages.exporting.fidelity.asked import Asked
from ftrecipe.stages.measuring.distributions import expectations, expected
from ftrecipe.stages.measuring.generation import Tick, silent, write
from ftrecipe.stages.measuring.modes import Model
from ftrecipe.stages.measuring.stopping import Stops
from ftrecipe.stages.models import Models

FLOAT32 = "float32"
SHARE = 0.8  # of the free memory that a model in float32 may take


@dataclass(frozen=True)
class Reference:
    """What the trained model said.

    tokens: of each answer, without the one that ended it. margins: at each of them, and at what
    came after, how much likelier (in nats) the chosen token was than the next one. contexts: the
    ids after which log-probabilities [contexts, vocabulary] were asked for. base: the same of the
    model before training, None where that is not at hand.
    """

    compute: str
    answers: list[Completion]
    tokens: list[list[int]]
    margins: list[list[float]]
    contexts: list[list[int]]
    logprobs: np.ndarray
    base: np.ndarray | None


def compute_type(models: Models) -> str:
    """Return the type to compute in: float32 where there is room for it, else the weights' own."""
    count = models.run.model.parameters
    if models.dtype == FLOAT32 or count is None:
        return FLOAT32
    free = _free(models)
    return FLOAT32 if free is None or 4 * count <= SHARE * free else models.dtype


def _free(models: Models) -> float | None:
    """Return the free bytes of the device that asks."""
    if models.found.device is Device.cuda:
        return float(torch.cuda.mem_get_info()[0])
    told = devices.free_memory()
    return None if told is None else told * GIB


def reference(models: Models, asked: Asked, tick: Tick = silent) -> Reference:
    """Ask the trained model, and let its memory go."""
    quantized = models.quantization() is not None
    if models.dtype == FLOAT32 and not quantized:
        compute, model = FLOAT32, models.tuned
    else:
        models.let_go()
        compute = FLOAT32 if quantized else compute_type(models)
        model = models.load_tuned(compute)
    has_base = isinstance(model, PeftModel) and not models.run.peft.mutates_base
    found = _asked(model, asked, tick)
    # Numbers that a quantised base gives depend on what else is in a batch: it is asked in the
    # batches that artefacts are.
    logprobs = expected(model, found.contexts) if quantized else found.logprobs
    base = _without_adapter(model, found.contexts) if has_base else None
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
    return Reference(FLOAT32, answers, tokens, margins, contexts, logprobs, None)


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
