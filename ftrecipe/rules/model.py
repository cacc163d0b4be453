"""Rules on data and model: that they are there, whole, without code of their own, and fit."""

from collections.abc import Iterator
from pathlib import Path

from ftrecipe.components.model import FromRun
from ftrecipe.components.model.facts import tuned_or_base
from ftrecipe.config import GROUPS, RunConfig, from_plain
from ftrecipe.errors import ConfigError
from ftrecipe.foreign import code_faults, pickle_faults
from ftrecipe.memory.architecture import Architecture
from ftrecipe.passthrough import tables
from ftrecipe.paths import typed
from ftrecipe.rules import jinja
from ftrecipe.rules.register import chosen, rule
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.weights import folder_faults, misfits


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
def _runs_have_a_place(run: RunConfig) -> Iterator[str]:
    if not run.runs_dir.strip():
        yield "runs_dir: is empty; write runs_dir=<folder>, or leave it out"


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
    path = before.model.path or (tuned_or_base(rundir) or {}).get("path")
    if run.model.path not in (None, path):
        yield (
            f"model.path={run.model.path} and model.from_run={run.model.from_run} name two models: "
            f"that run tuned {path}; leave the model out"
        )
    first = before.model.merged_before
    if first is not None and rundir.adapter.is_dir():
        yield (
            f"model.from_run={run.model.from_run}: its adapter is for a base with the tune of "
            f"{first} merged in, which would be lost; write the whole model with "
            f"python -m ftrecipe export {rundir.path} export=[merged], and tune that: "
            f"model.path={rundir.export / 'merged'}, without model.from_run"
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
    prompt = f" and {chosen(run, 'peft')} puts {virtual} before them" if virtual else ""
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
