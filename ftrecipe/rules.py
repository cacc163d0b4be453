"""What may not be combined: each rule reads facts that options declare, all faults at once."""

import os
from collections.abc import Callable, Iterator, Set
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

from ftrecipe import jinja, objective
from ftrecipe.components.hardware import DTYPES, Device
from ftrecipe.components.model import FromRun
from ftrecipe.components.strategy.fsdp import FSDP_ON_CPU
from ftrecipe.config import GROUPS, RunConfig, from_plain
from ftrecipe.errors import ConfigError, RuleError, did_you_mean, listed
from ftrecipe.foreign import code_faults, pickle_faults
from ftrecipe.memory.architecture import Architecture
from ftrecipe.nested import out_of_bounds
from ftrecipe.passthrough import argument_faults, key_faults, tables
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.weights import folder_faults, misfits

Rule = Callable[[RunConfig], Iterator[str]]
RULES: list[Rule] = []
TRAINING_RULES: list[Rule] = []
YIELDS = {
    "chat": "chats",
    "completion": "raw completions",
    "text": "plain text",
    "preference": "preference pairs",
    "rated": "rated answers",
}
WHOLE_BYTES = ("uint8", "int8")
KEEPS_DOCUMENTS_APART = ("sdpa", "eager", "flash_attention_2", "flash_attention_3")


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
    if found := faults(run, audit_only):
        raise RuleError(found)


def faults(run: RunConfig, audit_only: bool = False, doubtful: Set[str] = frozenset()) -> list[str]:
    """Return every fault of every rule, but not of those that look at a key in `doubtful`, of
    which is known already that something is wrong with it."""
    found: list[str] = []
    for one in RULES if audit_only else [*RULES, *TRAINING_RULES]:
        watched = _Watched(**vars(run))
        watched.asked.clear()
        told = list(one(watched))
        found += told if not watched.asked & doubtful else []
    return found


class _Watched(RunConfig):
    """A run that remembers which of its keys were looked at."""

    def __getattribute__(self, name: str) -> Any:
        if name in _KEYS:
            self.asked.add(name)
        return super().__getattribute__(name)

    @cached_property
    def asked(self) -> set[str]:
        return set()


_KEYS = frozenset(item.name for item in fields(RunConfig))


@rule
def _quantized_base(run: RunConfig) -> Iterator[str]:
    bits = run.quantization.bits
    both = f"{_chosen(run, 'peft')} and {_chosen(run, 'quantization')}"
    if run.peft.trains_base and bits < 16:
        yield (
            f"{both}: this method trains the base itself, which cannot be done in {bits} bits; "
            "use peft=lora, or quantization=none"
        )
    elif not run.peft.trains_base and bits not in run.peft.allows_bits:
        yield (
            f"{both}: this method cannot be trained on a base in {bits} bits; "
            "use peft=lora, or quantization=none"
        )


def _chosen(run: RunConfig, group: str) -> str:
    """Return the choice of a group as it is written."""
    return f"{group}={GROUPS[group].name_of(type(vars(run)[group]))}"


@rule
def _data_is_named(run: RunConfig) -> Iterator[str]:
    yield from run.dataset.faults()
    if run.model.from_run is None:
        try:
            source = run.model.source
            if run.model.is_local:
                faults = folder_faults(Path(source), tables()["model_types"])
                for fault in faults or _other_weights(run, Path(source)):
                    yield f"model.path={run.model.path}: {fault}"
        except ConfigError as error:
            yield from error.faults
    elif not RunDir(typed(run.model.from_run)).base.is_file():
        yield f"model.from_run={run.model.from_run}: is not the folder of a run that was trained"
    else:
        yield from _earlier(run, RunDir(typed(run.model.from_run)))


def _other_weights(run: RunConfig, folder: Path) -> list[str]:
    """Compare the weights of a folder that is whole with what its config.json says of them."""
    architecture = _architecture(run)
    return [] if architecture is None else misfits(folder, architecture.stored)


@rule
def _runs_no_foreign_code(run: RunConfig) -> Iterator[str]:
    for named, folder in _model_folders(run):
        for fault in [*code_faults(folder, run.consent.remote_code), *pickle_faults(folder)]:
            yield f"{named}: {fault}"


def _model_folders(run: RunConfig) -> Iterator[tuple[str, Path]]:
    """Yield the folders here that weights, tokenizers and adapters would be read from."""
    if run.model.from_run is None:
        folder = typed(run.model.path) if run.model.path else None
        if folder is not None and folder.is_dir():
            yield f"model.path={run.model.path}", folder
        return
    earlier = RunDir(typed(run.model.from_run))
    for folder in (earlier.model, earlier.adapter):
        if folder.is_dir():
            yield f"model.from_run={run.model.from_run}: {folder.name}/", folder


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
def _what_the_model_is_made_of(run: RunConfig) -> Iterator[str]:
    """Check the method's names against the model's own, where its config.json is at hand."""
    try:
        architecture = run.model.architecture
    except ConfigError as error:
        yield from error.faults
        return
    if architecture is not None:
        yield from run.peft.faults(architecture)


@rule
def _rows_have_positions(run: RunConfig) -> Iterator[str]:
    longest, virtual = run.trainer.max_length, run.peft.virtual_tokens
    architecture = _architecture(run)
    positions = None if architecture is None else architecture.max_positions
    if positions is None or longest is None or longest + virtual <= positions:
        return
    prompt = f" and {_chosen(run, 'peft')} puts {virtual} before them" if virtual else ""
    yield (
        f"trainer.max_length={longest}: this model has {positions} positions "
        f"(max_position_embeddings in its config.json){prompt}; "
        f"use trainer.max_length={positions - virtual}"
    )


def _architecture(run: RunConfig) -> Architecture | None:
    """Return what the model is made of; None where that is not known, or told by its own rule."""
    try:
        return run.model.architecture
    except ConfigError:
        return None


@rule
def _template(run: RunConfig) -> Iterator[str]:
    if run.model.chat_template:
        try:
            text = run.model.template(None) or ""
        except (ConfigError, OSError, UnicodeDecodeError):
            return  # told by whoever needs it
        for fault in jinja.faults(text):
            yield f"model.chat_template: {fault}"


@rule
def _cleaning(run: RunConfig) -> Iterator[str]:
    for name, step in run.cleaning.items():
        for fault in step.faults():
            yield f"cleaning.{name}.{fault}"


@rule
def _bounds(run: RunConfig) -> Iterator[str]:
    """Check every number against the bounds that its field declares."""
    yield from out_of_bounds(run)
    for group in (group.name for group in GROUPS.values() if group.many):
        for name, option in getattr(run, group).items():
            yield from (f"{group}.{name}.{fault}" for fault in out_of_bounds(option))


@rule
def _exports(run: RunConfig) -> Iterator[str]:
    for name, target in run.export.items():
        if target.needs_adapter and run.peft.trains_base:
            yield (
                f"export={name}: {_chosen(run, 'peft')} trains the base and has no adapter; "
                "use export=merged"
            )
        if target.needs_merge and not run.peft.trains_base and not run.peft.mergeable:
            yield f"export={name}: {_chosen(run, 'peft')} cannot be merged; use export=adapter"


@rule
def _prompt_learning(run: RunConfig) -> Iterator[str]:
    if run.trainer.gradient_checkpointing and not run.peft.allows_checkpointing:
        yield (
            f"trainer.gradient_checkpointing=true does not work with {_chosen(run, 'peft')}; "
            "use trainer.gradient_checkpointing=false"
        )
    if run.trainer.packing and run.peft.prompt_learning:
        yield (
            f"trainer.packing=true: the one learned prompt of {_chosen(run, 'peft')} would be that "
            "of several documents; use trainer.packing=false"
        )


@rule
def _special_tokens(run: RunConfig) -> Iterator[str]:
    if run.model.special_tokens and not run.peft.trains_tokens:
        yield (
            f"model.special_tokens: {_chosen(run, 'peft')} cannot learn the rows of new tokens; "
            "use peft=lora or peft=full"
        )


@rule
def _passed_on(run: RunConfig) -> Iterator[str]:
    """Check what goes to a library by its own name against that library's names."""
    for group, option in (("peft", run.peft), ("trainer", run.trainer)):
        values = vars(option)
        if values.get("extra"):
            library, reserved = type(option).passes_to, option.reserved
            yield from argument_faults(group, library, values["extra"], values, reserved)


@rule
def _passed_to_strategy(run: RunConfig) -> Iterator[str]:
    """Check the keys of a strategy's sub-node against the library, which ignores unknown ones."""
    table = run.strategy.passes_to
    if table:
        yield from key_faults(f"strategy.{table}", vars(run.strategy)[table], table)


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
