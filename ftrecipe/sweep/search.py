"""How the trials of a sweep are chosen: a ready-made space, who searches it, how many trials."""

import importlib.util

from ftrecipe.config import RunConfig
from ftrecipe.errors import ConfigError, did_you_mean
from ftrecipe.sweep import line, settings, space
from ftrecipe.sweep.line import Line
from ftrecipe.sweep.plugin import GRID, OPTUNA
from ftrecipe.sweep.settings import Pruner, Ready, Sampler
from ftrecipe.sweep.space import Dimension

SWEEPERS = {"basic": GRID, GRID: GRID, OPTUNA: OPTUNA}


def read_settings(asked: Line) -> Ready:
    """Return how the sweep searches, and add the ready-made space to what the line varies."""
    ready = settings.settled(asked.ready, asked.settings)
    given = asked.given
    for key, text in ready.space.items():
        if key not in given:
            line.vary(key, text, asked)
    if asked.ready is not None and not asked.space:
        raise ConfigError(f"sweep={asked.ready}: nothing varies; give values, key=a,b")
    return ready


def choose_sweeper(asked: Line, ready: Ready, dimensions: list[Dimension]) -> str:
    """Return who chooses the trials. Raises ConfigError where that cannot be."""
    name = asked.sweeper or (GRID if asked.ready is None else OPTUNA)
    if name not in SWEEPERS:
        hint = did_you_mean(name, SWEEPERS)
        raise ConfigError(
            f"hydra/sweeper={name} is not an option{hint} (known: {', '.join(SWEEPERS)})"
        )
    sweeper = SWEEPERS[name]
    if sweeper == GRID:
        _refuse_useless(asked)
    if ready.sampler is Sampler.grid and ready.pruner is Pruner.none:
        sweeper = GRID
    if sweeper == GRID or ready.sampler is Sampler.grid:
        space.refuse_endless(dimensions)
    if sweeper == OPTUNA and importlib.util.find_spec("optuna") is None:
        raise ConfigError(
            "this sweep needs optuna, which is not installed here; pip install 'ftrecipe[sweep]'"
        )
    return sweeper


def _refuse_useless(asked: Line) -> None:
    useless = [one.key for one in asked.settings if one.path[-1] not in ("n_jobs", "n_trials")]
    if useless:
        raise ConfigError(
            f"{key}: this sweep runs every combination; to let Optuna choose, add "
            "hydra/sweeper=optuna, or +sweep=<name>"
            for key in useless
        )


def check_pruning(ready: Ready, sweeper: str, run: RunConfig) -> None:
    """Raise ConfigError for a pruner that would never see an evaluation loss."""
    if sweeper != OPTUNA or ready.pruner is Pruner.none:
        return
    said = f"sweep.pruner={ready.pruner.value}: judges by the evaluation loss, "
    if run.trainer.eval_steps is None:
        raise ConfigError(
            f"{said}which is never measured while training; add "
            "trainer.eval_steps=<steps between two measurements>"
        )
    if run.dataset.validation_path is None and not run.dataset.split.validation:
        raise ConfigError(
            f"{said}and the data has no validation split; set dataset.split.validation or "
            "dataset.validation_path"
        )


def trials_of(ready: Ready, sweeper: str, dimensions: list[Dimension]) -> int:
    """Return how many trials there are: no combination is run twice."""
    there = space.count(dimensions)
    every = sweeper == GRID or ready.sampler is Sampler.grid
    asked = ready.n_trials or (None if every else settings.USUAL_TRIALS)
    return min(number for number in (there, asked) if number is not None)
