"""The processes that train one model together: whether they are as planned, and what they agree on.

Libraries fall back without a word: to one process, or from sharding to plain data parallelism.
"""

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from accelerate import PartialState
from accelerate.utils import DistributedType

from ftrecipe.components.strategy import Strategy
from ftrecipe.errors import StageError

Value = TypeVar("Value")

KINDS = {"NO": ("NO",), "MULTI": ("MULTI_GPU", "MULTI_CPU", "NO")}
"""What accelerate may say for a strategy's `distributed_type`, if not that word itself."""

PATIENCE = timedelta(hours=6)
"""How long the others wait while one works for all; at a step they wait as long as torch does."""


def pretend_gpus() -> None:
    """Make accelerate take this group of CPU processes for one of GPUs; for tests of FSDP only."""
    PartialState(cpu=True)
    PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU


def check_group(strategy: Strategy, world: int, args: Any) -> None:
    """Raise StageError where the process group is not the planned one; before weights are loaded.

    Args:
        args: the training arguments, which have joined it.
    """
    kind = args.distributed_state.distributed_type.value
    # DeepSpeed and FSDP are made of a group when the trainer is, if it was asked for and can be.
    if args.deepspeed:
        kind = "DEEPSPEED"
    elif os.environ.get("ACCELERATE_USE_FSDP", "false") == "true" and kind == "MULTI_GPU":
        kind = "FSDP"
    _check(strategy, world, kind, args.distributed_state.num_processes)


def check_accelerator(strategy: Strategy, world: int, accelerator: Any) -> None:
    """Raise StageError where accelerate has made something else of it than was planned."""
    _check(strategy, world, accelerator.distributed_type.value, accelerator.num_processes)
    version = 2 if strategy.distributed_type == "FSDP" else None
    if version is not None and not accelerator.is_fsdp2:
        raise StageError("this strategy is FSDP2 and accelerate made FSDP1 of it")


def _check(strategy: Strategy, world: int, kind: str, processes: int) -> None:
    fits = kind in KINDS.get(strategy.distributed_type, (strategy.distributed_type,))
    if fits and processes == world:
        return
    raise StageError(
        f"planned for {world} processes with {strategy.distributed_type}, and accelerate made "
        f"{processes} with {kind} of it; start the run with its plan.sh, "
        "on the devices that its hardware names"
    )


class Peers:
    """All processes of a training; what is asked of one is asked of all at the same moment."""

    def __init__(self, world: int) -> None:
        """Join. Alone there is nobody to ask; else a group of its own needs no GPU."""
        self.group: Any = None
        self.patient: Any = None
        if world > 1:
            self.group = dist.new_group(backend="gloo")
            self.patient = dist.new_group(backend="gloo", timeout=PATIENCE)
        self.first = self.group is None or dist.get_rank() == 0

    def wait(self) -> None:
        """Wait until every process has come this far."""
        if self.group is not None:
            dist.barrier(group=self.patient)

    def sum(self, value: float) -> float:
        """Return the sum of what every process gives."""
        return self._reduced(value, dist.ReduceOp.SUM)

    def most(self, value: float) -> float:
        """Return the largest of what every process gives."""
        return self._reduced(value, dist.ReduceOp.MAX)

    def most_of(self, values: Sequence[float]) -> list[float]:
        """Return the largest of what every process gives, for each of several values at once."""
        if self.group is None:
            return list(values)
        box = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(box, op=dist.ReduceOp.MAX, group=self.group)
        return box.tolist()

    def of_all(self, value: Value) -> list[Value]:
        """Return what every process gives, in their order."""
        if self.group is None:
            return [value]
        box: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(box, value, group=self.group)
        return box

    def any(self, flag: bool) -> bool:
        """Tell whether it is so for one of the processes."""
        return bool(self.most(float(flag)))

    def of_first(self, make: Callable[[], Value]) -> Value:
        """Return what the first process makes; the others make nothing."""
        if self.group is None:
            return make()
        box = [make() if self.first else None]
        dist.broadcast_object_list(box, src=0, group=self.patient)
        return box[0]  # type: ignore[return-value]

    def _reduced(self, value: float, how: Any) -> float:
        if self.group is None:
            return value
        box = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(box, op=how, group=self.group)
        return box.item()
