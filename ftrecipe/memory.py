"""How much memory a training takes, by arithmetic alone: no weights, no torch."""

from dataclasses import dataclass

BYTES_PER_CHANNEL = 34  # kept for the backward pass a token, channel and layer in 16 bits
GIB = 1 << 30


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


@dataclass(frozen=True)
class State:
    """What is kept of a model while it trains, in bytes a weight: ZeRO's own account
    (arXiv 1910.02054, section 3.1)."""

    parameters: float
    trained: float  # of these parameters, or beside them for an adapter
    frozen_bytes: float  # of a weight that is not trained
    weight_bytes: float  # of a trained one
    gradient_bytes: float
    optimizer_bytes: float  # with the 32-bit master copy, where weights have 16 bits

    def on_a_device(self, devices: int, zero_stage: int, shards_weights: bool) -> float:
        """Return the bytes on each of `devices`, activations not counted."""
        everywhere = 1 / devices
        frozen = (self.parameters - self.trained) * self.frozen_bytes
        weights = frozen + self.trained * self.weight_bytes
        if shards_weights:
            weights *= everywhere
        gradients = self.trained * self.gradient_bytes
        if shards_weights or zero_stage >= 2:
            gradients *= everywhere
        optimizer = self.trained * self.optimizer_bytes
        if shards_weights or zero_stage >= 1:
            optimizer *= everywhere
        return weights + gradients + optimizer
