"""Lets something else be done with a model in the middle of its training, and leaves no trace."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Put random states, buffers and modes back as they were; gradients are let go by the step."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    chance, numbers = random.getstate(), np.random.get_state()
    kept = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    modes = [(module, module.training) for module in model.modules()]
    with torch.random.fork_rng(devices):
        yield
    random.setstate(chance)
    np.random.set_state(numbers)
    with torch.no_grad():
        for buffer, value in kept:
            buffer.copy_(value)
    for module, mode in modes:
        module.training = mode
