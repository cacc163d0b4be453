"""Of two ways to merge into a quantised base, the one that says what the trained model says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.initialization import no_init_weights

from ftrecipe.components.hardware import Device
from ftrecipe.stages.exporting.fidelity.likely import likely
from ftrecipe.stages.exporting.merging.adapted import Adapted
from ftrecipe.stages.exporting.merging.hollow import grown_to, shaped
from ftrecipe.stages.exporting.merging.lent import Lent
from ftrecipe.stages.exporting.room import FLOAT32, Compute, compute, device_of
from ftrecipe.stages.measuring.distributions import expected
from ftrecipe.stages.models import Models

TOLD = {"base": "the 16-bit base", "dequantized": "the dequantized base"}


@dataclass(frozen=True)
class Candidate:
    """One merge, by what the adapter is merged into."""

    name: str
    weights: Adapted


def nearer(
    models: Models, candidates: Sequence[Candidate], prompts: Sequence[list[int]]
) -> tuple[Candidate, dict[str, Any]]:
    """Return the nearest candidate and all figures; no two models are in memory at a time."""
    models.let_go()
    trained = models.load_tuned("float32")
    wanted = expected(trained, prompts)
    del trained
    models.let_go()
    found = {}
    for each in candidates:
        model = _loaded(each.weights, models)
        found[each.name] = distance(wanted, expected(model, prompts))
        del model
        models.let_go()
    kept = min(candidates, key=lambda each: found[each.name]["kl"])
    told = ", ".join(f"{TOLD[name]} {each['max_dlogp']:.2g}" for name, each in found.items())
    models.screen.say(
        f"export    merged into {TOLD[kept.name]}, which is nearer to the trained model "
        f"(log-probabilities up to: {told})"
    )
    return kept, {"kept": kept.name, "into": found}


def distance(trained: np.ndarray, merged: np.ndarray) -> dict[str, float]:
    """Return how far next-token log-probabilities [prompts, vocabulary] are apart, and the KL.

    Differences are of tokens that one of the two finds likely.
    """
    width = min(trained.shape[1], merged.shape[1])
    trained, merged = trained[:, :width], merged[:, :width]
    apart = np.abs(trained - merged)[likely(trained, merged)]
    divergence = (np.exp(trained) * (trained - merged)).sum(-1).mean()
    return {
        "max_dlogp": float(apart.max()),
        "mean_dlogp": float(apart.mean()),
        "kl": max(0.0, float(divergence)),
    }


def _loaded(weights: Adapted, models: Models) -> PreTrainedModel:
    """Return a model with these weights, in float32; merged as they are read if room is short."""
    if compute(models) != Compute(FLOAT32):
        lent = Lent(models.config, grown_to(models), weights.tied, device_of(models))
        return lent.given(weights)
    config = shaped(models.config, grown_to(models), weights.tied)
    with no_init_weights():
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.tie_weights()  # which is left out with what is drawn by chance
    state = model.state_dict()
    with torch.no_grad():
        for name in weights.names:
            state[name].copy_(weights.read(name))
    if models.found.device is Device.cuda:
        model.to("cuda")
    return model
