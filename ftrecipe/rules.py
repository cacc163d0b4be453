"""What may not be combined: each rule reads facts that options declare, all faults at once."""

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ftrecipe import objective
from ftrecipe.components.hardware import DTYPES, Device
from ftrecipe.components.model import FromRun
from ftrecipe.components.strategy.fsdp import FSDP_ON_CPU
from ftrecipe.config import GROUPS, RunConfig, from_plain
from ftrecipe.errors import ConfigError, RuleError, did_you_mean, listed
from ftrecipe.nested import out_of_bounds
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.weights import folder_faults

Rule = Callable[[RunConfig], Iterator[str]]
RULES: list[Rule] = []
TRAINING_RULES: list[Rule] = []
PUSHES = ("push_to_hub", "hub_")  # a recipe is from anyone, and may not upload
YIELDS = {
    "chat": "chats",
    "completion": "raw completions",
    "text": "plain text",
    "preference": "preference pairs",
    "rated": "rated answers",
}
WHOLE_BYTES = ("uint8", "int8")
KEEPS_DOCUMENTS_APART = ("sdpa", "eager", "flash_attention_2", "flash_attention_3")
ARGUMENTS = Path(__file__).resolve().parent / "builtin" / "arguments.json"


@cache
def tables() -> dict[str, list[str]]:
    """Return the libraries' own names; read once, since several rules and strategies ask."""
    return json.loads(ARGUMENTS.read_text("utf-8"))


def rule(check: Rule) -> Rule:
    """Register one rule: a generator of faults."""
    RULES.append(check)
    return check


def training_rule(check: Rule) -> Rule:
    """Register a rule on what data can be trained, which data that is only looked at may break."""
    TRAINING_RULES.append(check)
    return check


def check(run: RunConfig, audit_only: bool = False) -> None:
    """Raise RuleError with every fault of every rule."""
    asked = RULES if audit_only else [*RULES, *TRAINING_RULES]
    faults = [fault for one in asked for fault in one(run)]
    if faults:
        raise RuleError(faults)


@rule
def _quantized_base(run: RunConfig) -> Iterator[str]:
    bits = run.quantization.bits
    if run.peft.trains_base and bits < 16:
        yield (
            f"this peft trains the base itself, which cannot be done in {bits} bits; "
            "use peft=lora, or quantization=none"
        )
    elif not run.peft.trains_base and bits not in run.peft.allows_bits:
        yield (
            f"this peft cannot be trained on a base in {bits} bits; "
            "use peft=lora, or quantization=none"
        )


@rule
def _data_is_named(run: RunConfig) -> Iterator[str]:
    yield from run.dataset.faults()
    if run.model.from_run is None:
        try:
            source = run.model.source
            if run.model.is_local:
                for fault in folder_faults(Path(source)):
                    yield f"model.path={run.model.path}: {fault}"
        except ConfigError as error:
            yield from error.faults
    elif not RunDir(typed(run.model.from_run)).base.is_file():
        yield f"model.from_run={run.model.from_run}: is not the folder of a run that was trained"
    else:
        yield from _earlier(run, RunDir(typed(run.model.from_run)))


def _earlier(run: RunConfig, rundir: RunDir) -> Iterator[str]:
    """Compare a run with the one that it goes on from: base, and method where it is kept."""
    before = from_plain(read_json(rundir.run)["config"])
    if run.model.path not in (None, before.model.path):
        yield (
            f"model.path={run.model.path} and model.from_run={run.model.from_run} name two models: "
            f"that run tuned {before.model.path}; leave the model out"
        )
    kept = rundir.adapter.is_dir() and run.model.from_run_as is FromRun.adapter
    if kept and before.peft != run.peft:
        yield (
            f"model.from_run goes on with that run's adapter, {_method(before)}, and not with "
            f"{_method(run)}; give the same, or model.from_run_as=merged to start a new one"
        )


def _method(run: RunConfig) -> str:
    name = GROUPS["peft"].name_of(type(run.peft))
    return " ".join([f"peft={name}", *(f"{k}={v}" for k, v in vars(run.peft).items() if v)])


@rule
def _cleaning(run: RunConfig) -> Iterator[str]:
    for name, step in run.cleaning.items():
        for fault in step.faults():
            yield f"cleaning.{name}.{fault}"


@rule
def _bounds(run: RunConfig) -> Iterator[str]:
    """Check every number against the bounds that its field declares."""
    for group in GROUPS.values():
        chosen = getattr(run, group.name)
        options = chosen if group.many else {"": chosen}
        for name, option in options.items():
            prefix = f"{group.name}.{name}." if group.many else f"{group.name}."
            yield from (prefix + fault for fault in out_of_bounds(option))


@rule
def _exports(run: RunConfig) -> Iterator[str]:
    for name, target in run.export.items():
        if target.needs_adapter and run.peft.trains_base:
            yield f"export={name}: this peft trains the base and has no adapter; use export=merged"
        if target.needs_merge and not run.peft.trains_base and not run.peft.mergeable:
            yield f"export={name}: this peft cannot be merged; use export=adapter"


@rule
def _prompt_learning(run: RunConfig) -> Iterator[str]:
    if run.trainer.gradient_checkpointing and not run.peft.allows_checkpointing:
        yield (
            "this peft does not work with gradient checkpointing; "
            "use trainer.gradient_checkpointing=false"
        )
    if run.trainer.packing and run.peft.prompt_learning:
        yield (
            "packing would give one learned prompt to several documents; use trainer.packing=false"
        )


@rule
def _special_tokens(run: RunConfig) -> Iterator[str]:
    if run.model.special_tokens and not run.peft.trains_tokens:
        yield (
            "model.special_tokens: this peft cannot learn the rows of new tokens; "
            "use peft=lora or peft=full"
        )


@rule
def _passed_on(run: RunConfig) -> Iterator[str]:
    """Check what goes to a library by its own name against that library's names."""
    for group, option in (("peft", run.peft), ("trainer", run.trainer)):
        values = vars(option)
        if not values.get("extra"):
            continue
        known = tables()[type(option).passes_to]
        for name in values["extra"]:
            if name in values:
                yield f"{group}.extra.{name}: has a field of its own; use {group}.{name}"
            elif name.startswith(PUSHES):
                yield f"{group}.extra.{name}: a run uploads nothing; push what export/ holds"
            elif name in option.reserved:
                yield f"{group}.extra.{name}: is decided by the run; leave it out"
            elif name not in known:
                hint = did_you_mean(name, known)
                yield f"{group}.extra.{name}: {type(option).passes_to} has no such field{hint}"


@training_rule
def _accepted(run: RunConfig) -> Iterator[str]:
    accepted, trainer = run.trainer.accepts, GROUPS["trainer"].name_of(type(run.trainer))
    for part, _ in run.dataset.parts([]):
        if part.produces() not in accepted:
            yield (
                f"trainer={trainer} trains on {_either(accepted)}; dataset={part.name()} yields "
                f"{YIELDS[part.produces()]}: look at it with check, or keep its good answers with "
                "convert --to messages --out FILE and train on those"
            )


def _either(kinds: tuple[str, ...]) -> str:
    named = [YIELDS[kind] for kind in kinds]
    return " or ".join([", ".join(named[:-1]), named[-1]] if named[:-1] else named)


@training_rule
def _answers(run: RunConfig) -> Iterator[str]:
    if run.dataset.produces() == "text":
        for name in (name for name, suite in run.eval.items() if suite.generates):
            yield f"eval={name} needs questions with answers, not plain text; use eval=[perplexity]"


@rule
def _optimizer(run: RunConfig) -> Iterator[str]:
    known = tables()["optimizers"]
    if run.trainer.optim not in known:
        hint = did_you_mean(run.trainer.optim, known)
        yield f"trainer.optim={run.trainer.optim}: is not an optimizer{hint}"


@rule
def _objective(run: RunConfig) -> Iterator[str]:
    known = objective.known(run)
    if run.objective is not None and run.objective not in known:
        yield (
            f"objective={run.objective}: is not measured by this run"
            f"{did_you_mean(run.objective, known)} (known: {listed(known)})"
        )


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
    yield from _passed_to_strategy(run)


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


def _passed_to_strategy(run: RunConfig) -> Iterator[str]:
    """Check the keys of a strategy's sub-node against the library, which ignores unknown ones."""
    strategy = run.strategy
    if not strategy.passes_to:
        return
    yield from _unknown_keys(
        f"strategy.{strategy.passes_to}", vars(strategy)[strategy.passes_to], strategy.passes_to
    )


def _unknown_keys(key: str, values: dict[str, Any], table: str) -> Iterator[str]:
    known = tables()[table]
    for name, value in values.items():
        if name not in known:
            yield f"{key}.{name}: there is no such key{did_you_mean(name, known)}"
        elif isinstance(value, dict) and f"{table}.{name}" in tables():
            yield from _unknown_keys(f"{key}.{name}", value, f"{table}.{name}")


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
def _attention_of_packed_rows(run: RunConfig) -> Iterator[str]:
    kind = run.model.attn_implementation
    if run.trainer.packing and kind is not None and kind not in KEEPS_DOCUMENTS_APART:
        yield (
            f"model.attn_implementation={kind} is not known to keep packed documents apart; use "
            f"{' or '.join(KEEPS_DOCUMENTS_APART)}, or trainer.packing=false"
        )
