"""The weights of the plain model with the tune in them."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from ftrecipe.components.export import Weights
from ftrecipe.stages.models import Models


class InMemory:
    """Weights of a model that is loaded whole."""

    def __init__(self, model: PreTrainedModel) -> None:
        tied = set(model.all_tied_weights_keys)
        self.tensors = {n: t for n, t in model.state_dict().items() if n not in tied}

    @property
    def names(self) -> Sequence[str]:
        """The tensors; one of two that are tied."""
        return list(self.tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return tuple(self.tensors[name].shape)

    def read(self, name: str) -> torch.Tensor:
        """Return one tensor on the CPU."""
        return self.tensors[name].cpu()


def merged_weights(models: Models) -> Weights:
    """Return the weights of the plain model."""
    return InMemory(models.merged())
