"""Sets one value in the typed tree of a run, and says in plain words why it cannot be set."""

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, cast

from omegaconf import (
    DictConfig,
    EnumNode,
    IntegerNode,
    ListConfig,
    OmegaConf,
    StringNode,
    open_dict,
)
from omegaconf.errors import OmegaConfBaseException

from ftrecipe.config import GROUPS, options
from ftrecipe.errors import did_you_mean, listed
from ftrecipe.nested import PLAIN
from ftrecipe.vet import Setting
from ftrecipe.words import LINE

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
    "answer_only": "trainer.train_on",
    "train_on_inputs": "trainer.train_on",
    "train_on_prompt": "trainer.train_on",
    "assistant_only_loss": "trainer.train_on",
    "completion_only_loss": "trainer.train_on",
    "on_faulty": "dataset.max_malformed",
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


def apply(root: DictConfig, setting: Setting) -> list[str]:
    """Set one value, each of its own if it is a mapping; return the faults."""
    parent: Any = root
    for depth, part in enumerate(setting.path):
        if not isinstance(parent, DictConfig) or (part not in parent and not _takes_any(parent)):
            return [_unknown(setting, parent, depth)]
        if depth == len(setting.path) - 1:
            break
        if part not in parent and (fault := _set(parent, part, {}, setting)):
            return [fault]
        parent = parent._get_node(part)
    return _assign(root, parent, setting)


def _takes_any(node: DictConfig) -> bool:
    """Tell whether `node` takes any key: a mapping such as trainer.extra, not options."""
    return OmegaConf.get_type(node) is dict and not is_dataclass(node._metadata.element_type)


def _assign(root: DictConfig, parent: DictConfig, setting: Setting) -> list[str]:
    name, value = setting.path[-1], setting.value
    target = parent._get_node(name) if name in parent else None
    if isinstance(target, DictConfig) and value is None:
        return []  # `trainer:` with nothing below it
    if isinstance(value, dict) and (value or isinstance(target, DictConfig)):
        below = [
            replace(setting, path=(*setting.path, str(key)), value=item, text=None)
            for key, item in value.items()
        ]
        if target is None or isinstance(target, DictConfig):
            return [fault for one in below for fault in apply(root, one)]
    fault = _set(parent, name, _fitting(target, setting), setting)
    return [fault] if fault else []


def _fitting(target: Any, setting: Setting) -> Any:
    """Return the value as the field takes it: a list of one, a whole number, the very text."""
    value = setting.value
    if value is None or isinstance(value, list | dict):
        return value
    if isinstance(target, ListConfig):
        return [value]
    if isinstance(target, IntegerNode) and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(target, StringNode) and not isinstance(value, str):
        return setting.written
    return value


def _set(parent: DictConfig, name: str, value: Any, setting: Setting) -> str | None:
    try:
        if value == "???":
            return _wrong(parent, name, setting)
        if name in parent:
            parent[name] = value
        else:
            with open_dict(parent):
                parent[name] = value
    except OmegaConfBaseException:
        return _wrong(parent, name, setting)
    return None


def _wrong(parent: DictConfig, name: str, setting: Setting) -> str:
    """Say what is wanted instead of the value."""
    target = parent._get_node(name) if name in parent else None
    where = "" if setting.source == LINE else f"{setting.source}: "
    said = f"{where}{setting.key}={setting.written}"
    if len(setting.path) == 1 and name in GROUPS:
        return f"{said}: an option is chosen in defaults: - override /{name}: {setting.written}"
    if isinstance(target, DictConfig):
        keys = [f"{setting.key}.{key}" for key in map(str, target)] or [f"{setting.key}.<name>"]
        return f"{said}: has values of its own; set {listed(keys)}"
    if isinstance(target, EnumNode):
        names = [member.name for member in cast(type[Enum], target._metadata.ref_type)]
        return f"{said}: must be one of {listed(names)}{did_you_mean(setting.written, names)}"
    wanted = next((text for kind, text in PLAIN.items() if isinstance(target, kind)), "text")
    optional = " or null" if target is not None and target._is_optional() else ""
    return f"{said}: must be {wanted}{optional}"


def _unknown(setting: Setting, parent: Any, depth: int) -> str:
    """Say that a key does not exist, which one may be meant, and which there are."""
    above, word, below = setting.path[:depth], setting.path[depth], setting.path[depth + 1 :]
    prefix = ".".join(above)
    where = "" if setting.source == LINE else f"{setting.source}: "
    known = [str(key) for key in parent] if isinstance(parent, DictConfig) else []
    if prefix in GROUPS and GROUPS[prefix].many and word in options(prefix):
        chosen = ",".join([*known, word])
        return f"{where}{setting.key}: {prefix}={word} is not chosen; add {prefix}=[{chosen}]"
    if owners := _owners(above, word):
        return f"{where}{setting.key}: belongs to {prefix}={' and '.join(owners)}, not chosen here"
    if not known:
        return f"{where}{setting.key}: {prefix} has no keys below it"
    near = did_you_mean(word, known).removeprefix("; did you mean ").removesuffix("?")
    meant = ALIASES.get(word) or ("" if above else _elsewhere(parent, word))
    meant = meant or (".".join((*above, near, *below)) if near else "")
    hint = f"; did you mean {meant}?" if meant else ""
    every = listed([".".join((*above, name)) for name in known])
    return f"{where}{setting.key}: there is no such key{hint} (known: {every})"


def _owners(above: tuple[str, ...], word: str) -> list[str]:
    """Return the options of the group `above` that have a field `word`, three at most by name."""
    if len(above) != 1 or above[0] not in GROUPS or GROUPS[above[0]].many:
        return []
    classes = GROUPS[above[0]].classes
    owners = [name for name, kind in classes.items() if word in [f.name for f in fields(kind)]]
    return owners if len(owners) < 4 else [*owners[:3], "others"]


def _elsewhere(parent: DictConfig, word: str) -> str:
    """Return where a word belongs that stands without its group, or nothing."""
    groups = [group for group in GROUPS if group in parent and word in parent[group]]
    options_of = [group for group in GROUPS if word in options(group)]
    return f"{groups[0]}.{word}" if groups else f"{options_of[0]}={word}" if options_of else ""
