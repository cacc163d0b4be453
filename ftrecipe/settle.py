"""Settles what a run leaves to the machine: its devices, its strategy, its accumulation.

It looks at this machine where the profile says so, and so belongs to where the run will happen.
"""

from dataclasses import dataclass, replace

from ftrecipe.amounts import GIB, gib
from ftrecipe.components.strategy import GROUP, Strategy
from ftrecipe.components.trainer import Trainer
from ftrecipe.config import RunConfig
from ftrecipe.errors import RuleError
from ftrecipe.needs import Longest, architecture, longest_row, memory_of, needs, weights_alone
from ftrecipe.rules import strategy_faults


@dataclass
class Settled:
    """A run with nothing left open, and what was decided for it, for people to read."""

    run: RunConfig
    notes: list[str]


def settle(run: RunConfig, here: bool = True, longest: Longest | None = None) -> Settled:
    """Return `run` with devices, strategy and accumulation decided; `longest` is its longest row.

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
    if run.trainer.auto_batch_size and not faults:
        run, told = with_largest_batch(run, longest or longest_row(run), here)
        notes.append(told)
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
        return GROUP.get("single")(), None
    tried: list[str] = []
    faults: list[list[str]] = []
    last: Strategy | None = None
    for name in run.strategy.names:
        strategy = GROUP.get(name)()
        option = replace(run, strategy=strategy, trainer=_at_least(run.trainer))
        if refused := list(strategy_faults(option)):
            faults.append(refused)
            continue
        fits, said = room(option)
        if fits:
            return strategy, f"{name}: {said}" + (
                f" (too big: {', '.join(tried)})" if tried else ""
            )
        tried.append(f"{name} {said}")
        last = strategy
    if last is None:
        common = [fault for fault in faults[0] if all(fault in others for others in faults)]
        raise RuleError(common or [fault for refused in faults for fault in refused])
    nothing = f"nothing fits {devices} devices with {run.hardware.memory_gb:g} GiB each"
    if architecture(run) is None:
        raise RuleError([
            f"strategy=auto: {nothing} ({', '.join(tried)}); use quantization=nf4, peft=lora, or "
            "more devices"
        ])  # fmt: skip
    return last, f"{GROUP.name_of(type(last))}: {nothing} ({', '.join(tried)})"


def _at_least(trainer: Trainer) -> Trainer:
    """Return the trainer with the smallest batch that it may have."""
    return replace(trainer, per_device_train_batch_size=1) if trainer.auto_batch_size else trainer


def room(run: RunConfig) -> tuple[bool, str]:
    """Tell whether the run's peak fits on a device of it, and say why.

    Where model or memory is not known, the whole model is taken to fit only if it is not trained.
    """
    memory = run.hardware.memory_gb
    if memory is None:
        return True, "the devices' memory is not known"
    needed = needs(run)
    if needed is None and (size := weights_alone(run)) is not None:
        return size <= memory * GIB, f"weights take {gib(size)} of {memory:g} GiB a device"
    if needed is None:
        divides = run.strategy.shards_weights or not run.peft.trains_base
        return divides, "what the model is made of is not known"
    peak = needed.account.peak
    return peak <= memory * GIB, f"{gib(peak)} of {memory:g} GiB a device"


def with_largest_batch(
    run: RunConfig, longest: Longest, here: bool = True
) -> tuple[RunConfig, str]:
    """Return the run with the most rows a device that fit, and as many accumulation steps as keep
    its global batch; and what to say of it.

    Raises RuleError where memory or model is not known, or where not even one row fits.
    """
    trainer, said = run.trainer, "trainer.auto_batch_size=true"
    memory, whose = memory_of(run, here)
    if memory is None:
        raise RuleError([f"{said}: the device's memory is not known: {whose}"])
    wanted = trainer.global_batch_size or trainer.rows_per_step(run.world_size)
    share, odd = divmod(wanted, run.world_size)
    if odd or not share:
        raise RuleError(
            [f"{said}: {wanted} rows a step do not divide among {run.world_size} processes"]
        )
    for rows in (rows for rows in range(share, 0, -1) if share % rows == 0):
        smaller = replace(
            trainer,
            per_device_train_batch_size=rows,
            gradient_accumulation_steps=share // rows,
            auto_batch_size=False,
        )
        option = replace(run, trainer=smaller)
        needed = needs(option, length=longest.tokens, splits=longest.splits)
        if needed is None:
            raise RuleError([f"{said}: what this model is made of is not known"])
        if needed.account.peak <= memory * GIB:
            return option, (
                f"batch     {rows} rows x {share // rows} steps on a device: of what divides "
                f"{share} rows, the most that fit ({gib(needed.account.peak)} of {memory:.1f} GiB)"
            )
    raise RuleError([f"{said}: not even one row fits {memory:.1f} GiB {whose}"])


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
