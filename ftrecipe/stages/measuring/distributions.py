"""What a model expects next: log-probabilities over the whole vocabulary after given tokens."""

import inspect
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from ftrecipe.stages.measuring.losses import in_batches, width_of
from ftrecipe.stages.measuring.modes import Model, base_of, evaluating


def expectations(
    model: Model, sequences: Sequence[list[int]], kept: Sequence[int]
) -> Iterator[tuple[int, torch.Tensor]]:
    """Yield of each sequence, the longest first, its number and log-probabilities.

    They are float32 [kept, vocabulary] on the CPU: of what follows each of its last `kept` tokens.
    """
    trims = "logits_to_keep" in inspect.signature(base_of(model).forward).parameters
    labeled = [(ids, ids) for ids in sequences]
    with evaluating(model):
        for rows in in_batches(model, labeled, None):
            ids = [sequences[row] for row in rows]
            logits = _logits(model, ids, [kept[row] for row in rows], trims)
            for at, row in enumerate(rows):
                end = len(sequences[row]) - width_of(model, max(map(len, ids)))  # 0 or below it
                own = logits[at, end - kept[row] + logits.shape[1] : logits.shape[1] + end]
                yield row, own.float().log_softmax(-1).cpu()


def expected(model: Model, contexts: Sequence[list[int]]) -> np.ndarray:
    """Return the log-probabilities [contexts, vocabulary] of what follows each."""
    found = dict(expectations(model, contexts, [1] * len(contexts)))
    return np.concatenate([found[row].numpy() for row in range(len(contexts))])


def along(model: Model, ids: list[int], places: Sequence[int]) -> np.ndarray:
    """Return the log-probabilities [places, vocabulary] of what follows so many tokens of a text.

    Places are counted from the end, for the sake of virtual tokens in front.
    """
    trims = "logits_to_keep" in inspect.signature(base_of(model).forward).parameters
    at = torch.tensor([place - len(ids) - 1 for place in places], device=model.device)
    with evaluating(model):
        told = {"logits_to_keep": at} if trims else {}
        text = torch.tensor([ids], device=model.device)
        logits = model(input_ids=text, use_cache=False, **told).logits
    kept = logits[0] if trims else logits[0, at]
    return kept.float().log_softmax(-1).cpu().numpy()


def _logits(
    model: Model, batch: Sequence[list[int]], kept: Sequence[int], trims: bool
) -> torch.Tensor:
    """Return the last logits of a right-padded batch, as many as hold all that are asked for.

    They are counted from the end: prompt tuning puts those of its virtual tokens in front.
    """
    width = width_of(model, max(map(len, batch)))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in batch])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in batch])
    first = min(len(row) - count for row, count in zip(batch, kept, strict=True))
    positions = torch.arange(first - width, 0, device=model.device)
    return model(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        use_cache=False,
        **({"logits_to_keep": positions} if trims else {}),
    ).logits[:, first - width :]
