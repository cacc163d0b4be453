"""How large the numbers become that a model computes with: in float16 some models overflow."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from ftrecipe.stages.measuring.distributions import expected
from ftrecipe.stages.measuring.modes import Model

WELL_WITHIN = 65504 / 2  # the largest ones hardly change from text to text


def largest(model: Model, prompts: Sequence[list[int]]) -> float:
    """Return the largest number that goes into or comes out of any module, for these prompts."""
    found = 0.0

    def look(module: nn.Module, given: Any, made: Any) -> None:
        nonlocal found
        for tensor in _tensors((given, made)):
            if tensor.is_floating_point() and tensor.numel():
                found = max(found, float(tensor.abs().max()))

    watched = [each for each in model.modules() if isinstance(each, nn.Linear) or _is_norm(each)]
    hooks = [each.register_forward_hook(look) for each in watched]
    try:
        expected(model, prompts)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _is_norm(module: nn.Module) -> bool:
    """Tell a normalisation, which is given the sum of all layers so far."""
    return "Norm" in type(module).__name__


def _tensors(found: Any) -> Iterator[torch.Tensor]:
    if isinstance(found, torch.Tensor):
        yield found
    elif isinstance(found, tuple | list):
        for each in found:
            yield from _tensors(each)
