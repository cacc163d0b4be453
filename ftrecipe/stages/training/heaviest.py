"""Which rows make the heaviest batch: the one that memory has to hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ftrecipe.stages.training.packing import (
    Documents,
    PackedDataset,
    supervised_counts,
    token_counts,
)

ACTIVATIONS = 34  # bytes that a layer keeps a token and hidden unit, in 16 bits (arXiv 2205.05198)
CHECKPOINTS = 2  # of them where it is computed again
LOGITS = 12  # bytes a vocabulary entry: the logits in 16 and 32 bits, and their gradients
COVERED = 0.95  # of the heaviest batch's weight, from which on another one tells as much


@dataclass(frozen=True)
class Scale:
    """What a batch weighs, in bytes: so much a token, and so much a token that is trained on."""

    token: float
    supervised: float

    @classmethod
    def of(cls, config: Any, checkpointing: bool, keeps_logits: bool) -> "Scale":
        """Return the scale of a model by its text config."""
        kept = CHECKPOINTS if checkpointing else ACTIVATIONS
        logits = LOGITS * config.vocab_size if keeps_logits else 0
        return cls(kept * config.num_hidden_layers * config.hidden_size, logits)


class Weights:
    """What rows weigh, alone and together; padded ones are as long as the longest of a batch."""

    def __init__(self, rows: Documents, scale: Scale) -> None:
        self.scale, self.pads = scale, not isinstance(rows, PackedDataset)
        self.lengths, self.supervised = token_counts(rows), supervised_counts(rows)

    def batch(self, rows: Sequence[int]) -> float:
        """Return the weight of a batch of these rows."""
        if not rows:
            return 0.0
        lengths = [self.lengths[row] for row in rows]
        tokens = max(lengths) * len(rows) if self.pads else sum(lengths)
        supervised = sum(self.supervised[row] for row in rows)
        return tokens * self.scale.token + supervised * self.scale.supervised

    def heaviest(self, count: int) -> list[int]:
        """Return `count` rows that weigh most together, the longest one first."""
        by_weight = sorted(range(len(self.lengths)), key=self._alone, reverse=True)
        longest = max(by_weight, key=self.lengths.__getitem__)
        return [longest, *(row for row in by_weight if row != longest)][:count]

    def _alone(self, row: int) -> float:
        return self.lengths[row] * self.scale.token + self.supervised[row] * self.scale.supervised
