"""From words and recipes to a RunConfig: Hydra picks the options, every value is set typed here."""

from dataclasses import dataclass, field
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from ftrecipe import config, recipes, rules, words
from ftrecipe.config import GROUPS, RunConfig
from ftrecipe.errors import ConfigError, did_you_mean, listed
from ftrecipe.recipes import Setting, packaged
from ftrecipe.words import Asked

# What other tools call it, so that a habit is answered with the right key.
ALIASES = {
    "lr": "trainer.learning_rate",
    "learning_rate": "trainer.learning_rate",
    "epochs": "trainer.num_train_epochs",
    "num_epochs": "trainer.num_train_epochs",
    "num_train_epochs": "trainer.num_train_epochs",
    "max_steps": "trainer.max_steps",
    "batch_size": "trainer.per_device_train_batch_size",
    "micro_batch_size": "trainer.per_device_train_batch_size",
    "per_device_train_batch_size": "trainer.per_device_train_batch_size",
    "gradient_accumulation": "trainer.gradient_accumulation_steps",
    "max_seq_length": "trainer.max_length",
    "max_seq_len": "trainer.max_length",
    "sequence_len": "trainer.max_length",
    "cutoff_len": "trainer.max_length",
    "max_length": "trainer.max_length",
    "lora_r": "peft.r",
    "lora_rank": "peft.r",
    "rank": "peft.r",
    "lora_alpha": "peft.alpha",
    "lora_dropout": "peft.dropout",
    "output_dir": "runs_dir",
    "model_name_or_path": "model.path",
    "base_model": "model.path",
    "train_file": "dataset.path",
    "load_in_4bit": "quantization=nf4",
    "load_in_8bit": "quantization=int8",
    "report_to": "tracking",
    "bf16": "hardware.precision",
    "fp16": "hardware.precision",
}


@dataclass
class Composition:
    """A composed run, what it was made of, and how it differs from the defaults."""

    run: RunConfig
    recipe: str | None
    choices: dict[str, Any]
    differences: dict[str, Any] = field(default_factory=dict)


def compose(line: list[str]) -> Composition:
    """Return the run that the words of a command line ask for.

    Raises ConfigError with all faults of the words, the recipe's values and the rules together.
    """
    return compose_asked(words.read(line))


def compose_asked(asked: Asked) -> Composition:
    """Return the run for words already read."""
    lineage = recipes.lineage(asked.recipe) if asked.recipe else []
    check_choices(lineage)
    node, choices = _options(asked)
    untouched = node.copy()
    settings = [one for recipe in lineage for one in recipe.settings] + asked.settings
    faults = [fault for one in settings if (fault := apply(node, one)) is not None]
    if faults:
        raise ConfigError(faults)
    run = _to_run(node)
    rules.check(run)
    return Composition(run, asked.recipe, choices, differences(untouched, node))


def check_choices(lineage: list[recipes.Recipe]) -> None:
    """Raise ConfigError for an option that a recipe chooses and its group does not have."""
    faults: list[str] = []
    for recipe in lineage:
        for group, chosen in recipe.choices.items():
            for name in chosen if isinstance(chosen, list) else [chosen]:
                try:
                    words.check_option(group, str(name))
                except ConfigError as error:
                    faults += [f"{recipe.file}: {fault}" for fault in error.faults]
    if faults:
        raise ConfigError(faults)


def _options(asked: Asked) -> tuple[DictConfig, dict[str, Any]]:
    """Let Hydra compose the chosen options; return the typed tree and what was chosen."""
    overrides = [f"{group}={_hydra_text(chosen)}" for group, chosen in asked.choices.items()]
    if asked.recipe:
        overrides.append(f"+recipe={asked.recipe}")
    prepare_hydra()
    with initialize_config_dir(str(packaged("conf").resolve()), version_base="1.3"):
        whole = hydra_compose("config", overrides, return_hydra_config=True)
    chosen = dict(whole.hydra.runtime.choices)
    with open_dict(whole):
        del whole["hydra"]
    choices = {
        name: list(whole[name]) if group.many else chosen[name] for name, group in GROUPS.items()
    }
    return whole, choices


def prepare_hydra() -> None:
    """Make options and recipes known to Hydra."""
    GlobalHydra.instance().clear()
    config.register()
    recipes.open_door()


def _hydra_text(chosen: Any) -> str:
    return f"[{','.join(chosen)}]" if isinstance(chosen, list) else chosen


def apply(node: DictConfig, setting: Setting) -> str | None:
    """Set one value in the typed tree; return the fault, or None."""
    parent: Any = node
    for depth, part in enumerate(setting.path):
        if not isinstance(parent, DictConfig) or (part not in parent and not _open(parent)):
            return _unknown(setting, parent, depth)
        if depth < len(setting.path) - 1:
            if part not in parent:
                parent[part] = {}
            parent = parent[part]
    try:
        OmegaConf.update(node, _dotted(setting.path), _fitting(parent, setting), merge=True)
    except OmegaConfBaseException as error:
        return f"{_said(setting)}: {_reason(error)}"
    return None


def _dotted(path: tuple[str, ...]) -> str:
    return path[0] + "".join(f"[{part}]" for part in path[1:])


def _open(node: DictConfig) -> bool:
    """Tell whether `node` takes any key: a mapping such as trainer.extra, not an option."""
    kind = OmegaConf.get_type(node)
    many = node._key() in [name for name, group in GROUPS.items() if group.many]
    return kind is dict and not many and node._get_parent() is not None


def _fitting(parent: Any, setting: Setting) -> Any:
    """Let one name stand for a list of one where a list is wanted."""
    name = setting.path[-1]
    wants_list = name in parent and OmegaConf.is_list(parent[name])
    return [setting.value] if wants_list and isinstance(setting.value, str) else setting.value


def _said(setting: Setting) -> str:
    said = f"{setting.key}={setting.value}"
    return said if setting.source == words.LINE else f"{setting.source}: {said}"


def _unknown(setting: Setting, parent: Any, depth: int) -> str:
    prefix, word = ".".join(setting.path[:depth]), setting.path[depth]
    where = "" if setting.source == words.LINE else f"{setting.source}: "
    known = [str(key) for key in parent] if isinstance(parent, DictConfig) else []
    full = [f"{prefix}.{name}" if prefix else name for name in known]
    group = GROUPS.get(prefix)
    if group is not None and group.many and word in words.options(prefix):
        return f"{where}{setting.key}: {prefix}={word} is not chosen; add {prefix}=[…,{word}]"
    near = did_you_mean(word, known)
    if word in ALIASES:
        hint = f"; did you mean {ALIASES[word]}?"
    elif near:
        hint = near.replace("did you mean ", "did you mean " + (f"{prefix}." if prefix else ""))
    else:
        hint = ""
    valid = f" (known: {listed(full)})" if full else ""
    return f"{where}{setting.key}: there is no such key{hint}{valid}"


def _reason(error: OmegaConfBaseException) -> str:
    first = str(error).splitlines()[0]
    return first[0].lower() + first[1:]


def _to_run(node: DictConfig) -> RunConfig:
    try:
        run = OmegaConf.to_object(node)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{error.full_key}: {_reason(error)}") from None
    assert isinstance(run, RunConfig)
    return run


def differences(before: DictConfig, after: DictConfig) -> dict[str, Any]:
    """Return the nested values of `after` that are not those of `before`."""
    old = OmegaConf.to_container(before, resolve=False, enum_to_str=True)
    new = OmegaConf.to_container(after, resolve=False, enum_to_str=True)
    return _difference(old, new)


def _difference(old: Any, new: Any) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for key, value in new.items():
        if key in old and isinstance(value, dict) and isinstance(old[key], dict):
            below = _difference(old[key], value)
            if below:
                changed[key] = below
        elif key not in old or old[key] != value:
            changed[key] = value
    return changed
