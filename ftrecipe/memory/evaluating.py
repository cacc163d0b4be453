"""What measuring a model takes beside its weights: logits of whole batches, and the cache of
generation. The batches are those that `stages/measuring` makes."""

from dataclasses import dataclass

from ftrecipe.memory.activations import FLOAT
from ftrecipe.memory.architecture import Architecture

BATCH_TOKENS = 16_384
"""Tokens that one batch of losses may hold, if their logits leave it so many."""
LOGIT_BYTES = 1 << 30
"""What the 32-bit logits of one batch of losses may take."""
CACHE_TOKENS = {False: 16_384, True: 32_768}
"""Tokens (rows x longest row) that one batch of answers may hold in its cache: on a CPU, a GPU."""
MAX_ROWS = 128


@dataclass(frozen=True)
class Suite:
    """One measurement: rows of `length` tokens, `new_tokens` of them written by the model.

    `batch_size` and `max_samples` are as the suite has them; None for as many as fit or there are.
    """

    length: int
    new_tokens: int = 0
    batch_size: int | None = None
    max_samples: int | None = None


def in_layer(model: Architecture, tokens: float, width: int) -> float:
    """Return the bytes of one layer's tensors at their most while nothing is kept for later."""
    inner = model.intermediate * max(1, model.experts_per_token)
    wide = max(3 * inner, 3 * model.heads * model.head_dim) + 2 * model.hidden
    return tokens * (width * wide + FLOAT * model.hidden)


def losses(model: Architecture, suite: Suite, width: int) -> float:
    """Return the bytes of a batch of losses: logits, those that count in 32 bits, their loss."""
    budget = min(BATCH_TOKENS, LOGIT_BYTES // (FLOAT * model.vocabulary))
    rows = suite.batch_size or max(1, budget // suite.length)
    tokens = min(rows, suite.max_samples or rows) * suite.length
    scores = tokens * model.vocabulary * (width + 2 * FLOAT)
    return max(scores, in_layer(model, tokens, width))


def answers(model: Architecture, suite: Suite, width: int, on_gpu: bool) -> float:
    """Return the bytes of a batch of answers: the cache, a layer of it twice, a layer's tensors."""
    longest = suite.length + suite.new_tokens
    rows = suite.batch_size or max(1, min(MAX_ROWS, CACHE_TOKENS[on_gpu] // longest))
    rows = min(rows, suite.max_samples or rows)
    a_token = 2 * model.kv_heads * model.head_dim * width
    cache = rows * longest * a_token * (model.layers + 1)
    read = in_layer(model, rows * suite.length, width)
    return cache + max(read, rows * model.vocabulary * (width + FLOAT))


def measuring(model: Architecture, suite: Suite, width: int, on_gpu: bool) -> float:
    """Return the bytes that a suite takes beside the weights."""
    if suite.new_tokens:
        return answers(model, suite, width, on_gpu)
    return losses(model, suite, width)
