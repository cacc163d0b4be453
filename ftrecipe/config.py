"""RunConfig: what a run is made of, typed; and its registration with Hydra and form as JSON."""

from dataclasses import dataclass, field, fields
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

import ftrecipe.components
from ftrecipe.aliases import OPTIONS
from ftrecipe.components.cleaning import Cleaning
from ftrecipe.components.dataset import Dataset
from ftrecipe.components.eval import Eval
from ftrecipe.components.export import Export
from ftrecipe.components.hardware import Hardware
from ftrecipe.components.model import Model
from ftrecipe.components.peft import Peft
from ftrecipe.components.quantization import Quantization
from ftrecipe.components.strategy import Strategy
from ftrecipe.components.tracking import Tracking
from ftrecipe.components.trainer import Trainer
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.nested import literal
from ftrecipe.registry import LAST_SEED, Group, bounded, load_all

PACKAGE = Path(__file__).resolve().parent

load_all(ftrecipe.components)


@dataclass
class Consent:
    """What can do harm; false unless said on the command line, never in a recipe."""

    remote_code: bool = False
    push_to_hub: bool = False


@dataclass
class Compare:
    """What the tuned model is held against besides its base, and how sure a change has to be.

    against: run directories, or names that point to them; each model answers the same examples.
    few_shot: examples of the training split put before each question to the base; 0 for none.
    resamples, seed: of the bootstrap that gives the intervals.
    """

    against: list[str] = field(default_factory=list)
    few_shot: int = bounded(0, 0, 64)
    resamples: int = bounded(2000, 200, 100_000)
    seed: int = bounded(0, 0, LAST_SEED)


@dataclass
class Fidelity:
    """How exports are held against the model in training form.

    prompts: of the test split, each answered with `max_new_tokens` tokens at most. examples: of
    each suite that an export is asked again. points: how much worse its metrics may be.
    """

    prompts: int = bounded(32, 1, 1000)
    max_new_tokens: int = bounded(64, 1, 4096)
    examples: int = bounded(128, 0)
    points: float = bounded(2.0, 0, 100)


@dataclass
class RunConfig:
    """One run, whole. Groups hold the chosen option's own class; some hold several, by name."""

    dataset: Dataset
    model: Model
    peft: Peft
    quantization: Quantization
    hardware: Hardware
    strategy: Strategy
    trainer: Trainer
    tracking: Tracking
    cleaning: dict[str, Cleaning] = field(default_factory=dict)
    eval: dict[str, Eval] = field(default_factory=dict)
    export: dict[str, Export] = field(default_factory=dict)
    description: str = ""
    seed: int = bounded(42, 0, LAST_SEED)
    objective: str | None = None
    compare: Compare = field(default_factory=Compare)
    gate: list[str] = field(default_factory=list)
    fidelity: Fidelity = field(default_factory=Fidelity)
    runs_dir: str = "runs"
    consent: Consent = field(default_factory=Consent)

    @property
    def world_size(self) -> int:
        """The processes that train together, on all machines."""
        if not self.strategy.distributed:
            return 1
        return (self.hardware.processes or 1) * self.hardware.num_machines


GROUPS = {
    name: Group.all[name] for name in (f.name for f in fields(RunConfig)) if name in Group.all
}


def packaged(folder: str) -> Path:
    """Return conf/ or recipes/: beside the package in a checkout, inside it in a wheel."""
    beside = PACKAGE.parent / folder
    return beside if (beside.parent / "pyproject.toml").is_file() else PACKAGE / folder


@cache
def options(group: str) -> tuple[str, ...]:
    """Return the names that a group can be set to: its YAML files, and what packages add."""
    own = {file.stem for file in (packaged("conf") / group).glob("*.yaml")}
    return tuple(sorted(own | set(GROUPS[group].added)))


def check_option(group: str, name: str) -> None:
    """Raise ConfigError with the nearest name if `group` has no such option."""
    known = options(group)
    if name not in known:
        ours = OPTIONS.get(group, {}).get(name.lower())
        hint = f"; did you mean {ours}?" if ours else did_you_mean(name, known)
        raise ConfigError(f"{group}={name} is not an option{hint} (known: {listed(known)})")


@cache
def register() -> None:
    """Put every option's class in Hydra's ConfigStore as `<group>/<name>_schema`.

    An option that an installed package adds is its class alone, so it is an option by its name too.
    """
    from hydra.core.config_store import ConfigStore  # workers read this module, and never Hydra

    store = ConfigStore.instance()
    store.store(name="run_schema", node=RunConfig)
    for group in GROUPS.values():
        for name, cls in group.classes.items():
            package = f"{group.name}.{name}" if group.many else group.name
            for known_as in (f"{name}_schema", *([name] if name in group.added else [])):
                store.store(group=group.name, name=known_as, node=cls, package=package)


def to_plain(run: RunConfig) -> dict[str, Any]:
    """Return the run as plain JSON values; every option carries its class's registered name."""
    plain: dict[str, Any] = {}
    for item in fields(run):
        value = getattr(run, item.name)
        group = GROUPS.get(item.name)
        if group is None:
            plain[item.name] = plain_value(value)
        elif group.many:
            plain[item.name] = {name: _option(group, option) for name, option in value.items()}
        else:
            plain[item.name] = _option(group, value)
    return plain


def from_plain(plain: dict[str, Any]) -> RunConfig:
    """Return the run that `to_plain` wrote. Raises ConfigError for an option not installed."""
    values: dict[str, Any] = dict(plain)
    for name, group in GROUPS.items():
        node = plain[name]
        values[name] = (
            {key: _build(group, option) for key, option in node.items()}
            if group.many
            else _build(group, node)
        )
    values["consent"] = Consent(**plain["consent"])
    values["compare"] = Compare(**plain.get("compare", {}))
    values["fidelity"] = Fidelity(**plain.get("fidelity", {}))
    return RunConfig(**values)


def _option(group: Group, option: Any) -> dict[str, Any]:
    return {"type": group.name_of(type(option)), **plain_value(option)}


def _build(group: Group, node: dict[str, Any]) -> Any:
    settings = {key: value for key, value in node.items() if key != "type"}
    schema = OmegaConf.structured(group.get(node["type"]))
    return OmegaConf.to_object(OmegaConf.merge(schema, literal(settings)))


def plain_value(value: Any) -> Any:
    """Return a value of a field as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {item.name: plain_value(getattr(value, item.name)) for item in fields(value)}
    return value
