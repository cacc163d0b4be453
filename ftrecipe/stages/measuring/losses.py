"""Losses of labeled token sequences under a causal LM: one exact sum a sequence."""

import inspect
from collections.abc import Iterator

import torch

from ftrecipe.components.eval import ExampleLoss
from ftrecipe.stages.measuring.generation import Model, Tick, base_of, evaluating, silent

Labeled = tuple[list[int], list[int]]
"""`input_ids`, and `labels` of the same length: the token's id where it counts, else -100."""

IGNORED = -100
BATCH_TOKENS = 16_384
LOGIT_BYTES = 2**30
"""What the float32 logits of one batch may take."""


def losses(
    model: Model,
    sequences: list[Labeled],
    batch_size: int | None = None,
    tick: Tick = silent,
) -> list[ExampleLoss]:
    """Return one loss a sequence, in order, in nats, computed in float32 from the logits.

    The first token has nothing before it to be predicted from, and so never counts. `tick` is
    told of every batch how many sequences it held.
    """
    trims = "logits_to_keep" in inspect.signature(base_of(model).forward).parameters
    done: dict[int, ExampleLoss] = {}
    with evaluating(model):
        for rows in in_batches(model, sequences, batch_size):
            found = _batch_losses(model, [sequences[row] for row in rows], trims)
            done |= dict(zip(rows, found, strict=True))
            tick(len(rows))
    return [done[row] for row in range(len(sequences))]


def in_batches(
    model: Model, sequences: list[Labeled], batch_size: int | None
) -> Iterator[list[int]]:
    """Yield row numbers, the longest sequences first: what does not fit fails at once."""
    vocabulary = base_of(model).config.get_text_config().vocab_size
    budget = min(BATCH_TOKENS, LOGIT_BYTES // (4 * vocabulary))
    order = sorted(range(len(sequences)), key=lambda row: -len(sequences[row][0]))
    while order:
        size = batch_size or max(1, budget // max(1, len(sequences[order[0]][0])))
        yield order[:size]
        order = order[size:]


def _batch_losses(model: Model, batch: list[Labeled], trims: bool) -> list[ExampleLoss]:
    """Return the losses of one right-padded batch; logits only from the first counted token on.

    Logits are counted from the end: prompt tuning puts those of its virtual tokens in front.
    """
    width = max(len(ids) for ids, _ in batch)
    ids = torch.tensor([row + [0] * (width - len(row)) for row, _ in batch])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in batch])
    labels = torch.tensor([row + [IGNORED] * (width - len(row)) for _, row in batch])
    labels[:, 0] = IGNORED
    counted = (labels != IGNORED).any(0).nonzero()
    if not len(counted):
        return [ExampleLoss(0.0, 0, 0) for _ in batch]
    first = int(counted[0])
    kept = width - first + 1
    # As positions: of a slice's gaps, torch makes a copy of a frozen head's weight for every row.
    positions = torch.arange(-kept, 0, device=model.device)
    logits = model(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        use_cache=False,
        **({"logits_to_keep": positions} if trims else {}),
    ).logits[:, -kept:-1]
    return _summed(logits, labels[:, first:])


def _summed(logits: torch.Tensor, targets: torch.Tensor) -> list[ExampleLoss]:
    """Sum over the counted targets [rows, tokens] of each row, in float64 on the CPU."""
    rows, columns = (targets != IGNORED).nonzero(as_tuple=True)
    wanted = targets[rows, columns].to(logits.device)
    scores = logits[rows.to(logits.device), columns.to(logits.device)].float()
    each = torch.nn.functional.cross_entropy(scores, wanted, reduction="none")
    hits = (scores.argmax(-1) == wanted).cpu()
    none = torch.zeros(len(targets), dtype=torch.float64)
    nll = none.index_add(0, rows, each.cpu().double()).tolist()
    right = none.index_add(0, rows, hits.double()).tolist()
    tokens = none.index_add(0, rows, torch.ones_like(rows, dtype=torch.float64)).tolist()
    return [
        ExampleLoss(loss, int(count), int(hit))
        for loss, count, hit in zip(nll, tokens, right, strict=True)
    ]
