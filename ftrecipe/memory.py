"""How much memory a training takes, by arithmetic alone: no weights, no torch."""

BYTES_PER_CHANNEL = 34  # kept for the backward pass a token, channel and layer in 16 bits


def activation_bytes(
    layers: int, hidden: int, vocabulary: int, rows: int, length: int, loss_share: float = 1.0
) -> float:
    """Return the bytes of activations for `rows` x `length` tokens without checkpointing.

    A transformer layer keeps about 34 bytes a token and channel in 16 bits when attention is
    fused (arXiv 2205.05198, section 4.1, without the quadratic term); logits are kept in 32 bits
    with their gradient, for the share of tokens that are trained on.
    """
    tokens = rows * length
    return tokens * (layers * hidden * BYTES_PER_CHANNEL + vocabulary * 8 * loss_share)
