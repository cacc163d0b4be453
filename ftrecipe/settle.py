"""Settles what a run leaves to the machine: its devices, its strategy, its accumulation.

It looks at this machine where the profile says so, and so belongs to where the run will happen.
"""

from dataclasses import dataclass, replace

from ftrecipe.components.hardware import Precision
from ftrecipe.components.model import Dtype
from ftrecipe.components.strategy import GROUP, Strategy
from ftrecipe.components.trainer import Trainer
from ftrecipe.config import RunConfig
from ftrecipe.errors import RuleError
from ftrecipe.memory import GIB, State
from ftrecipe.rules import strategy_faults

USABLE = 0.7  # of a device's memory; the rest is for activations and what libraries take


@dataclass
class Settled:
    """A run with nothing left open, and what was decided for it, for people to read."""

    run: RunConfig
    notes: list[str]


def settle(run: RunConfig, here: bool = True) -> Settled:
    """Return `run` with devices, strategy and accumulation decided.

    Raises RuleError with all faults of what was decided; of a run that will happen elsewhere,
    not those that this machine's devices make.
    """
    hardware, found = run.hardware.settled()
    notes = [f"hardware  {found}"] if found else []
    strategy, why = choose(replace(run, hardware=hardware))
    notes += [f"strategy  {why}"] if why else []
    only_seen_there = run.hardware.is_looked_for and not here
    run = replace(run, hardware=hardware, strategy=strategy)
    if only_seen_there:
        return Settled(run, notes)
    faults = list(strategy_faults(run))
    trainer, fault = accumulated(run.trainer, run.world_size)
    if faults or fault:
        raise RuleError(faults + ([fault] if fault else []))
    return Settled(replace(run, trainer=trainer), notes)


def choose(run: RunConfig) -> tuple[Strategy, str | None]:
    """Return the run's strategy; of several to try, the first that may be used and fits."""
    if not run.strategy.names:
        return run.strategy, None
    devices = (run.hardware.processes or 1) * run.hardware.num_machines
    if devices == 1:
        single = GROUP.get("single")()
        fits, said = room(replace(run, strategy=single))
        why = f"single: weights, gradients and optimizer take {said}, which may not fit"
        return single, None if fits or not _size_known(run) else why
    tried: list[str] = []
    faults: list[list[str]] = []
    for name in run.strategy.names:
        strategy = GROUP.get(name)()
        option = replace(run, strategy=strategy)
        if refused := list(strategy_faults(option)):
            faults.append(refused)
            continue
        fits, said = room(option)
        if fits:
            return strategy, f"{name}: {said}" + (
                f" (too big: {', '.join(tried)})" if tried else ""
            )
        tried.append(f"{name} {said}")
    if not tried:
        common = [fault for fault in faults[0] if all(fault in others for others in faults)]
        raise RuleError(common or [fault for refused in faults for fault in refused])
    raise RuleError(
        f"strategy=auto: nothing fits {devices} devices with {run.hardware.memory_gb:g} GiB each "
        f"({', '.join(tried)}); use quantization=nf4, peft=lora, or more devices"
    )


def room(run: RunConfig) -> tuple[bool, str]:
    """Tell whether weights, gradients and optimizer fit on a device of the run, and say why.

    Where model or memory is not known, the whole model is taken to fit only if it is not trained.
    """
    memory, parameters = run.hardware.memory_gb, run.model.parameters if _has_model(run) else None
    if memory is None:
        return True, "the devices' memory is not known"
    if parameters is None:
        divides = run.strategy.shards_weights or not run.peft.trains_base
        return divides, "the model's size is not known (model.parameters_b)"
    if run.strategy.offloads:
        return True, "weights and optimizer wait in the machine's memory"
    devices = run.world_size
    needed = state(run, parameters).on_a_device(
        devices, run.strategy.zero_stage, run.strategy.shards_weights
    )
    return needed <= USABLE * memory * GIB, f"{needed / GIB:.0f} of {memory:g} GiB a device"


def _size_known(run: RunConfig) -> bool:
    return _has_model(run) and run.model.parameters is not None


def _has_model(run: RunConfig) -> bool:
    return run.model.from_run is None and bool(run.model.path)


def state(run: RunConfig, parameters: float) -> State:
    """Return what is kept of the model while it trains."""
    trained = parameters * run.peft.trained_share
    half = run.hardware.precision is not Precision.fp32 and run.model.dtype is not Dtype.float32
    bits = run.quantization.bits
    frozen = bits / 8 + 0.06 if bits < 16 else 2.0 if half else 4.0
    masters = half and run.strategy.distributed_type == "DEEPSPEED"  # elsewhere they train in 32
    weight = 2.0 if masters else 4.0
    return State(
        parameters, trained, frozen, weight, weight,
        run.trainer.optimizer_bytes + (4.0 if masters else 0.0),
    )  # fmt: skip


def accumulated(trainer: Trainer, world_size: int) -> tuple[Trainer, str | None]:
    """Return the trainer with the accumulation that makes its global batch, or what is wrong."""
    wanted, rows = trainer.global_batch_size, trainer.per_device_train_batch_size
    if wanted is None:
        return trainer, None
    at_once = rows * world_size
    steps, left = divmod(wanted, at_once)
    said = f"trainer.global_batch_size={wanted}"
    if left or not steps:
        share, odd = divmod(wanted, world_size)
        way = f"use trainer.global_batch_size={max(1, round(wanted / at_once)) * at_once}"
        if not odd:
            fitting = max(n for n in range(1, min(rows, share) + 1) if share % n == 0)
            way += f", or trainer.per_device_train_batch_size={fitting}"
        return trainer, (
            f"{said} does not divide into {world_size} processes x "
            f"trainer.per_device_train_batch_size={rows}; {way}"
        )
    if trainer.gradient_accumulation_steps not in (1, steps):
        return trainer, (
            f"{said} means {steps} accumulation steps here, and "
            f"trainer.gradient_accumulation_steps={trainer.gradient_accumulation_steps} says "
            "something else; leave one of them out"
        )
    return replace(trainer, gradient_accumulation_steps=steps), None
