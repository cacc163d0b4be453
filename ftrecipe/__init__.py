"""Fine-tune language models from composed recipes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftrecipe.version import __version__

__all__ = ["Run", "__version__", "run"]


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, what was measured, and the one number a sweep compares."""

    path: Path
    metrics: dict[str, Any] = field(repr=False)

    @property
    def objective(self) -> float | None:
        """The run's objective, None where nothing was measured."""
        return self.metrics.get("objective")

    @property
    def passed(self) -> bool | None:
        """Whether the gate was passed, None for a run without one; the exit code 3 of a command."""
        gate = self.metrics.get("gate")
        return None if gate is None else gate["passed"]


def run(recipe: str | None = None, overrides: list[str] | None = None) -> Run:
    """Run a recipe as the command line does, in a process of its own; works in notebooks.

    A run whose gate failed is returned as any other, with `passed` False; one that is refused
    before it has left anything to look at leaves no folder.

    Args:
        recipe: a recipe's name or file; None for the default run.
        overrides: `key=value` words, as on the command line.

    Raises:
        ConfigError: what was asked for cannot be done.
        StageError: a stage failed; the run directory's log.txt has the details.
    """
    from ftrecipe import gated, launch, plan
    from ftrecipe.compose import compose
    from ftrecipe.errors import ConfigError, StageError
    from ftrecipe.rundir import read_json

    words = ([f"recipe={recipe}"] if recipe else []) + list(overrides or [])
    made = plan.make(compose(words))
    rundir = launch.create(made)
    code, reason = launch.begun(made, rundir)
    if code not in (0, gated.FAILED):
        kind = ConfigError if code == ConfigError.exit_code else StageError
        raise kind(f"{rundir.path} ended with code {code}: {reason}")
    return Run(rundir.path, read_json(rundir.metrics) if rundir.metrics.is_file() else {})
