"""Brings the losses and the gradient norm of each step from the device, without waiting for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor


@dataclass(frozen=True)
class Reading:
    """What one process saw in one optimizer step.

    losses: of each micro-batch, its share of the step's mean loss over tokens.
    norm: of the gradients of all processes, before clipping; None where nobody counts it.
    skipped: loss scaling took the gradients for an overflow, and left the weights as they were.
    """

    step: int
    losses: list[float]
    norm: float | None
    skipped: bool

    @property
    def loss(self) -> float:
        """The share of this process in the step's loss."""
        return sum(self.losses)


@dataclass(frozen=True)
class _Sent:
    """Values of one step on their way to the host; `arrived` is None where they are there."""

    step: int
    values: Tensor
    arrived: Any
    norm: float | None
    norm_is_last: bool
    skipped: bool

    def read(self) -> Reading:
        """Return the reading, waiting for it if need be."""
        if self.arrived is not None:
            self.arrived.synchronize()
        values = self.values.tolist()
        norm = values.pop() if self.norm_is_last else self.norm
        return Reading(self.step, values, norm, self.skipped)


class Gauge:
    """Readings on their way: on a GPU they arrive while the next step is computed.

    So the host, which prepares steps ahead of the GPU, waits at most for the step before.
    """

    def __init__(self) -> None:
        self._sent: list[_Sent] = []

    def put(
        self, step: int, losses: Sequence[Tensor], norm: Tensor | float | None, skipped: bool
    ) -> None:
        """Send one step's values, each a scalar, off to the host."""
        if isinstance(norm, DTensor):
            norm = norm.full_tensor()
        last = [norm] if isinstance(norm, Tensor) else []
        values = torch.stack([value.detach().float() for value in (*losses, *last)])
        known = None if norm is None or last else float(norm)
        self._sent.append(_Sent(step, *_to_host(values), known, bool(last), skipped))

    def take(self, at_once: bool) -> list[Reading]:
        """Return what has arrived, in order; of a GPU's, the newest only if it is waited for."""
        held = [] if at_once else [one for one in self._sent[-1:] if one.arrived is not None]
        taken = self._sent[: len(self._sent) - len(held)]
        self._sent = held
        return [one.read() for one in taken]


def _to_host(values: Tensor) -> tuple[Tensor, Any]:
    """Return the values where the host can read them, and what says when; None: now."""
    if values.device.type != "cuda":
        return values, None
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    host.copy_(values, non_blocking=True)
    arrived = torch.cuda.Event()
    arrived.record()
    return host, arrived
