"""Rules on machines: which strategy works with which hardware, method and numbers."""

import os
from collections.abc import Iterator

from ftrecipe.components.hardware import DTYPES, Device
from ftrecipe.components.model import FromRun
from ftrecipe.components.strategy.fsdp import FSDP_ON_CPU
from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.passthrough import key_faults
from ftrecipe.rules.register import rule

WHOLE_BYTES = ("uint8", "int8")


@rule
def _strategy(run: RunConfig) -> Iterator[str]:
    if not run.strategy.names and not run.hardware.is_looked_for:
        yield from strategy_faults(run)


def strategy_faults(run: RunConfig) -> Iterator[str]:
    """Yield why a strategy that was chosen cannot be used on this hardware, with this method."""
    strategy, hardware = run.strategy, run.hardware
    devices = (hardware.processes or 1) * hardware.num_machines
    name = f"strategy={GROUPS['strategy'].name_of(type(strategy))}"
    if not strategy.distributed and devices > 1:
        yield f"{name} is one process, and this hardware has {devices} devices; use strategy=auto"
    if strategy.distributed and devices == 1 and not strategy.offloads:
        yield (
            f"{name} divides work among several devices, and there is one; use strategy=single "
            "(or zero3_offload where the model does not fit)"
        )
    if hardware.num_machines > 1 and hardware.main_process_ip is None:
        yield (
            "hardware.main_process_ip is not set; add hardware.main_process_ip=<the first "
            "machine's address, as the others reach it>"
        )
    if strategy.distributed_type in run.peft.fails_under:
        yield f"{name} does not work with this peft; use strategy=ddp, or peft=lora"
    if run.strategy.offloads and hardware.device is not Device.cuda:
        yield f"{name} moves weights from GPUs to the CPU's memory, and no GPU was found; use zero3"
    yield from _fsdp_on_a_cpu(run, name)
    yield from _quantized_numbers(run, name)
    yield from _divided_weights(run, name)
    yield from strategy.faults()


def _fsdp_on_a_cpu(run: RunConfig, name: str) -> Iterator[str]:
    on_cpu = run.hardware.device is Device.cpu
    if on_cpu and run.strategy.distributed_type == "FSDP" and FSDP_ON_CPU not in os.environ:
        yield f"{name} on a CPU becomes plain DDP in accelerate, silently; use strategy=zero3"


def _divided_weights(run: RunConfig, name: str) -> Iterator[str]:
    if not run.strategy.shards_weights:
        return
    if run.model.from_run is not None and run.model.from_run_as is FromRun.merged:
        yield (
            f"{name} divides the weights among devices, and an earlier adapter is merged into "
            "whole ones; use model.from_run_as=adapter, or strategy=zero2"
        )
    if not run.peft.allows_sharding:
        yield (
            f"{name} divides the weights among devices, and this peft needs each of them whole; "
            "use peft=lora, or strategy=zero2"
        )
    if run.model.special_tokens and not run.peft.trains_base:
        yield (
            f"model.special_tokens: their rows cannot be trained beside weights that {name} "
            "divides; use strategy=ddp, strategy=zero2, or peft=full"
        )
    if run.trainer.eval_suites:
        yield (
            f"trainer.eval_suites: {name} divides the weights among devices, and suites need them "
            "whole; use strategy=ddp or strategy=zero2, or leave it out (eval_loss is measured "
            "all the same)"
        )


def _quantized_numbers(run: RunConfig, name: str) -> Iterator[str]:
    """Check what quantised weights are stored in: what divides them, or casts every number that
    can be cast, must find them in the type that is computed in, or take them for bytes."""
    stored, strategy = run.quantization.stored_as, run.strategy
    if stored is None or strategy.distributed_type not in ("DEEPSPEED", "FSDP"):
        return
    wanted = DTYPES.get(run.hardware.precision)
    if stored in WHOLE_BYTES and strategy.shards_weights:
        way = (
            f"quantization.storage={wanted}"
            if "storage" in vars(run.quantization)
            else f"quantization=nf4 with quantization.storage={wanted}"
        )
        yield (
            f"{name} divides the weights among devices, and quantised ones are stored in whole "
            f"bytes that it cannot divide; use {way}, or strategy=zero2"
        )
    elif stored not in WHOLE_BYTES and stored != wanted:
        yield (
            f"quantization.storage={stored}: {name} casts such numbers to {wanted}, and 4-bit "
            f"weights packed in them would be lost; use quantization.storage={wanted}"
        )


@rule
def _attention_on_a_cpu(run: RunConfig) -> Iterator[str]:
    kind = run.model.attn_implementation or ""
    if kind.startswith("flash") and run.hardware.device is Device.cpu:
        yield f"model.attn_implementation={kind} needs a GPU; use sdpa, or leave it out"


@rule
def _machines_are_known(run: RunConfig) -> Iterator[str]:
    if run.hardware.is_looked_for and run.hardware.num_machines > 1:
        yield (
            "hardware=auto cannot look at other machines; name a profile, for instance "
            "hardware=nodes_2x8x80gb"
        )


@rule
def _passed_to_strategy(run: RunConfig) -> Iterator[str]:
    """Check the keys of a strategy's sub-node against the library, which ignores unknown ones."""
    table = run.strategy.passes_to
    if table:
        yield from key_faults(f"strategy.{table}", vars(run.strategy)[table], table)
