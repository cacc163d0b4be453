"""How a sweep searches: the typed settings, and the ready-made spaces of conf/sweep."""

from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from ftrecipe.config import packaged
from ftrecipe.door.apply import apply
from ftrecipe.door.plain_yaml import text_of, tree_of
from ftrecipe.door.vet import Setting
from ftrecipe.door.words import literal
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.paths import typed

USUAL_TRIALS = 20


class Sampler(Enum):
    """Who chooses the next trial: a model of those before, chance, or every combination in turn."""

    tpe = "tpe"
    random = "random"
    grid = "grid"


class Pruner(Enum):
    """Who stops a trial early by its evaluation losses."""

    none = "none"
    median = "median"
    hyperband = "hyperband"


@dataclass
class Settings:
    """How Optuna searches.

    `n_trials` are all trials, those of an interrupted sweep included (None: 20, and with the grid
    sampler all there are). The sampler learns, and the pruner judges, after `n_startup_trials`.
    `n_jobs` trials run at once (None: as many as there are devices, or as the launcher says).
    """

    n_trials: int | None = None
    sampler: Sampler = Sampler.tpe
    pruner: Pruner = Pruner.none
    seed: int = 42
    n_startup_trials: int = 5
    n_jobs: int | None = None


@dataclass
class Ready(Settings):
    """One file of conf/sweep: a space, in Hydra's sweep grammar, and how it is searched."""

    description: str = ""
    space: dict[str, str] = field(default_factory=dict)


@dataclass
class _Root:
    sweep: Ready = field(default_factory=Ready)


def names() -> list[str]:
    """Return the names that `+sweep=` can be set to."""
    return sorted(file.stem for file in (packaged("conf") / "sweep").glob("*.yaml"))


def settled(ready: str | None, asked: list[Setting]) -> Ready:
    """Return the ready-made settings called `ready`, else the usual ones, with `asked` on top.

    Raises ConfigError with every fault of the file and of the words.
    """
    root = OmegaConf.structured(_Root)
    from_file = [] if ready is None else _of_file(ready)
    faults = [fault for one in [*from_file, *asked] for fault in apply(root, one)]
    if faults:
        raise ConfigError(faults)
    made = OmegaConf.to_object(root.sweep)
    assert isinstance(made, Ready)
    numbers = {"n_trials": made.n_trials, "n_jobs": made.n_jobs}
    low = [name for name, number in numbers.items() if number is not None and number < 1]
    if low:
        raise ConfigError(f"sweep.{name}: must be at least 1" for name in low)
    return made


def _of_file(ready: str) -> list[Setting]:
    file = _file(ready)
    text = text_of(file)
    tree_of(text, file)  # refuses what is more than data
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        raise ConfigError(f"{file}: holds what is not a value") from None
    return [Setting(("sweep", str(key)), _plain(value), str(file)) for key, value in tree.items()]


def _plain(value: Any) -> Any:
    """Return a value with nothing in it that OmegaConf would resolve."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return literal(value) if isinstance(value, str) else value


def _file(ready: str) -> Path:
    file = typed(ready)
    if ready.endswith((".yaml", ".yml")) and file.is_file():
        return file
    known = names()
    if ready not in known:
        hint = did_you_mean(ready, known)
        raise ConfigError(f"sweep={ready}: there is no such sweep{hint} (known: {listed(known)})")
    return packaged("conf") / "sweep" / f"{ready}.yaml"


def plain(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON values, without space and description."""
    values = {one.name: getattr(settings, one.name) for one in fields(Settings)}
    return {key: v.value if isinstance(v, Enum) else v for key, v in values.items()}


def from_plain(node: dict[str, Any]) -> Settings:
    """Return the settings that `plain` wrote."""
    chosen = {"sampler": Sampler(node["sampler"]), "pruner": Pruner(node["pruner"])}
    return Settings(**(node | chosen))
