"""How many tokens a question may have with its answer: no more than each model goes up to."""

from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

from ftrecipe.errors import ConfigError
from ftrecipe.rundir import read_json
from ftrecipe.serving.choosing import Candidate

CONTEXT = "--context"


def within(runs: Sequence[Candidate], wanted: int | None) -> int | None:
    """Return what is asked for. Raises ConfigError where it is more than a model goes up to."""
    if wanted is None:
        return None
    ends = [(run.name, most) for run in runs if (most := _most(run)) is not None and most < wanted]
    if ends:
        raise ConfigError(
            [f"{CONTEXT} {wanted}: {name} goes up to {most} tokens; use {CONTEXT} {most}, or leave "
             "it out" for name, most in ends]
        )  # fmt: skip
    return wanted


def _most(run: Candidate) -> int | None:
    """Return what a model declares, by its config.json; None where it is not at hand."""
    there = Path(read_json(run.rundir.run)["working_dir"])
    with chdir(there if there.is_dir() else Path.cwd()):
        architecture = run.run.model.architecture
    return None if architecture is None else architecture.max_positions
