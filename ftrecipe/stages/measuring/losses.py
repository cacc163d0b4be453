"""Losses of labeled token sequences under a causal LM: one exact sum a sequence."""

import inspect
from collections.abc import Iterator
from itertools import groupby

import torch

from ftrecipe.components.eval import ExampleLoss
from ftrecipe.components.eval.asked import Labeled
from ftrecipe.stages.measuring.generation import Tick, silent
from ftrecipe.stages.measuring.modes import Model, base_of, evaluating

IGNORED = -100
BATCH_TOKENS = 16_384
LOGIT_BYTES = 2**30
"""What the float32 logits of one batch may take."""

STEP = 32
"""Tokens that a row is filled up by. Kernels of attention round otherwise in 16 bits for rows of
another width: so a row's width follows from the row alone, and with it its loss."""

POSITIONS = ("max_position_embeddings", "n_positions")


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
    """Yield row numbers, the longest sequences first: what does not fit fails at once.

    The rows of a batch are filled up to one width.
    """
    vocabulary = base_of(model).config.get_text_config().vocab_size
    budget = min(BATCH_TOKENS, LOGIT_BYTES // (4 * vocabulary))
    lengths = [len(ids) for ids, _ in sequences]
    order = sorted(range(len(sequences)), key=lambda row: -lengths[row])
    for width, same in groupby(order, lambda row: width_of(model, lengths[row])):
        rows, size = list(same), batch_size or max(1, budget // width)
        yield from (rows[at : at + size] for at in range(0, len(rows), size))


def width_of(model: Model, length: int) -> int:
    """Return the tokens that a row of `length` is filled up to, one at least if there is room.

    Positions end somewhere in models that have learned each of them.
    """
    known = base_of(model).config.get_text_config().to_dict()
    limits = [known[name] for name in POSITIONS if isinstance(known.get(name), int)]
    return max(length, min([(length // STEP + 1) * STEP, *limits]))


def _batch_losses(model: Model, batch: list[Labeled], trims: bool) -> list[ExampleLoss]:
    """Return the losses of one right-padded batch; logits only from the first counted token on.

    Logits are counted from the end: prompt tuning puts those of its virtual tokens in front.
    """
    width = width_of(model, max(len(ids) for ids, _ in batch))
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
