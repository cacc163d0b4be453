"""Weights whose tables of words have rows for added tokens."""

from collections.abc import Mapping, Sequence

import torch

from ftrecipe.components.export import Weights


class Grown:
    """`Weights` of `source` with some tensors as long as `rows` says by name.

    New rows are the mean of the others, as transformers makes them, until an adapter has its own.
    """

    def __init__(self, source: Weights, rows: Mapping[str, int]) -> None:
        self.source, self._rows = source, rows

    @property
    def names(self) -> Sequence[str]:
        """The source's tensors."""
        return self.source.names

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        first, *rest = self.source.shape(name)
        return self._rows.get(name, first), *rest

    def dtype(self, name: str) -> str:
        """Return the type that the base stores a tensor in."""
        return self.source.dtype(name)

    def read(self, name: str) -> torch.Tensor:
        """Return one tensor."""
        tensor = self.source.read(name)
        new = self._rows.get(name, 0) - len(tensor)
        if new <= 0:
            return tensor
        mean = tensor.float().mean(0, keepdim=True).to(tensor.dtype)
        return torch.cat([tensor, mean.expand(new, *tensor.shape[1:])])
