"""Rules on export targets: what they can be made of, their own settings, and consent to them."""

from collections.abc import Iterator

from ftrecipe.config import RunConfig
from ftrecipe.rules.register import chosen, rule


@rule
def _made_of(run: RunConfig) -> Iterator[str]:
    """Check that what the method trains can be made into each target."""
    for name, target in run.export.items():
        if why := target.unmade(run.peft):
            yield f"export={name}: {chosen(run, 'peft')} {why}"


@rule
def _fits_its_base(run: RunConfig) -> Iterator[str]:
    """Check that an adapter has a base that others have, and a merge one that takes it in."""
    before, architecture = run.model.merged_before, run.model.architecture
    for name, target in run.export.items():
        if target.needs_adapter and before is not None:
            yield (
                f"export={name}: model.from_run_as=merged trains an adapter for a base with the "
                f"tune of {before} merged in, and its config can only name the plain base; use "
                "export=merged, or model.from_run_as=adapter"
            )
        if target.needs_merge and architecture is not None:
            for why in run.peft.unmerged(architecture):
                yield f"export={name}: the adapter cannot be merged: {why}; use export=adapter"


@rule
def _settings(run: RunConfig) -> Iterator[str]:
    """Ask each target about its own settings."""
    for name, target in run.export.items():
        for fault in target.faults(run.export, run.model.architecture):
            yield f"export.{name}.{fault}"


@rule
def _fits_its_files(run: RunConfig) -> Iterator[str]:
    """Check that what is in the model's own files has a place in those of each target."""
    told: dict[str, str] = {}
    for name, target in run.export.items():
        for fault in target.misfits(run.export, run.model):
            told.setdefault(fault, name)
    yield from (f"export={name}: {fault}" for fault, name in told.items())


@rule
def _consents(run: RunConfig) -> Iterator[str]:
    """Check that what goes out of this machine was agreed to on the command line."""
    for name, target in run.export.items():
        if target.sends and not run.consent.push_to_hub:
            yield (
                f"export={name}: this sends the model away, which needs your word for it: add "
                f"consent.push_to_hub=true on the command line, or leave {name} out of export=[...]"
            )
        if target.runs is not None and not run.consent.remote_code:
            yield (
                f"export.{name}.{target.runs}={vars(target)[target.runs]}: a program of that "
                "folder is run, which needs your word for it: add consent.remote_code=true on the "
                "command line"
            )
