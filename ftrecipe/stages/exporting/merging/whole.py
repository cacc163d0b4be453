"""Weights of a model loaded whole: for those that are stored otherwise than they are built."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel
from transformers.core_model_loading import revert_weight_conversion


class InMemory:
    """`Weights` of a model in memory, by the names under which such models are stored."""

    def __init__(self, model: PreTrainedModel, dtype: str) -> None:
        self._stored = dtype
        config = model.config.get_text_config()
        self.tied = bool(config.tie_word_embeddings)
        left_out = set(model.all_tied_weights_keys) if self.tied else set()  # type: ignore[arg-type]
        tensors = {name: each for name, each in model.state_dict().items() if name not in left_out}
        self._tensors = revert_weight_conversion(model, tensors)

    @property
    def names(self) -> Sequence[str]:
        """The tensors; one of two that are tied."""
        return list(self._tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return tuple(self._tensors[name].shape)

    def dtype(self, name: str) -> str:
        """Return the type that the base stores a tensor in."""
        tensor = self._tensors[name]
        return self._stored if tensor.is_floating_point() else str(tensor.dtype)[6:]

    def read(self, name: str) -> torch.Tensor:
        """Return one tensor on the CPU."""
        return self._tensors[name].cpu()
