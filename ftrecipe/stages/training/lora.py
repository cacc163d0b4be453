"""Shortens LoRA's way through a linear layer; the result is the same to rounding.

PEFT computes `result + B(A(x)) * scaling`: three tensors as large as the layer's output, and their
gradients. Scaling the small product A(x) and adding B's product into the output leaves one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType
from typing import Any, cast

import torch
from peft.tuners.lora.layer import Linear
from torch import Tensor, nn


@contextmanager
def added_in_place(model: nn.Module) -> Iterator[None]:
    """Give the plain LoRA layers of `model` the shorter forward, for as long as this is open.

    Layers of other kinds (quantized, DoRA, with a bias in B) keep PEFT's own, and so does every
    call in which the adapter is merged, disabled, not alone, or of another dtype than its input.
    """
    layers = [
        module
        for module in model.modules()
        if type(module) is Linear
        and type(module.get_base_layer()) is nn.Linear
        and not module.lora_variant
        and not any(module.lora_bias.values())
    ]
    for layer in layers:
        layer.forward = MethodType(_forward, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward  # the class's own shows again


def _forward(self: Linear, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Linear's forward: [..., in] to [..., out]."""
    adapters = self.active_adapters
    plain = not (args or kwargs or self.merged or self.disable_adapters) and len(adapters) == 1
    if not plain or not _one_dtype(self, adapters[0], x):
        return Linear.forward(self, x, *args, **kwargs)
    name = adapters[0]
    rows = x.flatten(0, -2)  # adding into a view, which [..., out] would be, costs autograd more
    small = self.lora_A[name](self.lora_dropout[name](rows)) * self.scaling[name]
    wide = cast(Tensor, self.lora_B[name].weight).t()
    result = cast(nn.Linear, self.base_layer)(rows).addmm_(small, wide)
    return result.view(*x.shape[:-1], -1)


def _one_dtype(layer: Linear, name: str, x: Tensor) -> bool:
    """Whether nothing would have to be cast on the way, by autocast or by PEFT."""
    if name not in layer.lora_A or torch.is_autocast_enabled(x.device.type):
        return False
    return x.dtype == layer.base_layer.weight.dtype == layer.lora_A[name].weight.dtype
