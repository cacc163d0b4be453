"""Says where weights go on this machine, and whether a training fits beside them."""

import dataclasses
import math
from typing import Any

from ftrecipe.amounts import GIB
from ftrecipe.components.hardware import Device
from ftrecipe.config import RunConfig
from ftrecipe.needs import needs
from ftrecipe.stages.ranks import Rank

WEIGHTS_SHARE = 0.8  # of a device's memory that weights may take where nothing is trained


def placement(
    run: RunConfig, rank: Rank, device: Device, dtype: str, quantized: bool
) -> dict[str, Any] | str | None:
    """Return the place of the weights as transformers takes it; None leaves it to who divides them.

    A rank has its own device. One process by itself takes the first, or as many as the base
    needs of those that training will have.
    """
    divided = rank.launched and run.strategy.shards_weights  # by DeepSpeed or FSDP, each in parts
    if device is not Device.cuda:
        return None if divided else {"": "cpu"}
    if rank.launched:
        return None if divided else {"": rank.local}
    several = (run.hardware.processes or 1) > 1
    bits = run.quantization.bits if quantized else 32 if dtype == "float32" else 16
    return "auto" if several and not _fits_one_device(run, bits) else {"": 0}


def _fits_one_device(run: RunConfig, bits: int) -> bool:
    """Tell whether weights of so many bits leave a device room to measure; unknown ones do."""
    memory, count = run.hardware.memory_gb, run.model.parameters
    if memory is None or count is None:
        return True
    return count * bits / 8 < WEIGHTS_SHARE * memory * GIB


def training_fits(run: RunConfig, length: int) -> bool:
    """Tell whether training on rows of `length` tokens fits the GPU without checkpointing.

    Of a model whose architecture is not known, it is taken not to.
    """
    import torch

    asked = dataclasses.replace(run.trainer, gradient_checkpointing=False)
    without = dataclasses.replace(run, trainer=asked)
    needed = needs(without, on_gpu=True, length=length)
    _, there = torch.cuda.mem_get_info()
    memory = min(there, (run.hardware.memory_gb or math.inf) * GIB)
    return needed is not None and needed.account.peak <= memory
