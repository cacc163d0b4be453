"""How models are asked on this machine: in which type, and in memory or from the disk."""

from dataclasses import dataclass

import torch

from ftrecipe import devices
from ftrecipe.amounts import GIB
from ftrecipe.components.hardware import Device
from ftrecipe.stages.models import Models

FLOAT32 = "float32"
SHARE = 0.8  # of the free memory that a model may take


@dataclass(frozen=True)
class Compute:
    """A type, and whether weights stay on the disk: each layer has its own while it computes."""

    dtype: str
    streams: bool = False


def compute(models: Models) -> Compute:
    """Return float32 in memory if that has room for it, else the weights' own 16 bits.

    Where even they have no room, or the machine is bad at them, float32 from the disk.
    """
    count, free = models.run.model.parameters, _free(models)
    if count is None or free is None or 4 * count <= SHARE * free:
        return Compute(FLOAT32)
    if models.dtype != FLOAT32 and 2 * count <= SHARE * free:
        return Compute(models.dtype)
    return Compute(FLOAT32, streams=True)


def device_of(models: Models) -> str:
    """Return the device that asks, as torch names it."""
    return "cuda:0" if models.found.device is Device.cuda else "cpu"


def _free(models: Models) -> float | None:
    """Return the free bytes of the device that asks."""
    if models.found.device is Device.cuda:
        return float(torch.cuda.mem_get_info()[0])
    told = devices.free_memory()
    return None if told is None else told * GIB
