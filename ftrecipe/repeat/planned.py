"""Plans a run again from its lock: every value that it had is set, and nothing else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from omegaconf import OmegaConf

from ftrecipe import plan
from ftrecipe.assemble import THREADS
from ftrecipe.compose import Composition, compose_layers, options_tree
from ftrecipe.config import GROUPS, check_option
from ftrecipe.door import words
from ftrecipe.door.vet import Layer, Setting
from ftrecipe.door.words import LINE
from ftrecipe.errors import ConfigError
from ftrecipe.existing import flatten
from ftrecipe.lock.contents import config_of
from ftrecipe.lock.surroundings import VARIABLES
from ftrecipe.plan import Plan
from ftrecipe.registry import Group
from ftrecipe.repeat.found import places
from ftrecipe.repeat.locked import Locked

MOVABLE = ("hardware", "strategy", "tracking")  # groups of which another option may be chosen
OWN = ("runs_dir", "consent")  # never taken over from a lock


def planned(locked: Locked, composition: Composition) -> Plan:
    """Return the plan of a composed repetition, under the name of what it repeats."""
    made = plan.make(composition)
    made.name = "/".join(plan.plain_name(part) for part in locked.lock["name"].split("/"))
    made.recipe = locked.lock["recipe"]
    return made


def composed(locked: Locked, changes: Sequence[str]) -> Composition:
    """Return the run of a lock, every value that it had set again.

    `changes` say where things are here, or what is meant to differ. Raises ConfigError with all
    that is missing.
    """
    changed = words.read(list(changes))
    given = {setting.key for setting in changed.settings}
    found, missing = places(locked, given)
    if faults := [*changed.faults, *_refused(locked, changed, given), *missing]:
        raise ConfigError(faults)
    if "runs_dir" not in given and locked.runs_dir is not None:
        found["runs_dir"] = locked.runs_dir
    layer = _layer(locked, changed.choices)
    told = given | found.keys() | ({"model.revision"} if "model.path" in given else set())
    moved = [Setting(tuple(key.split(".")), place, LINE) for key, place in found.items()]
    kept = [setting for setting in layer.settings if setting.key not in told]
    layer.settings = [*kept, *moved, *changed.settings]
    composition = compose_layers([layer], None)
    composition.notes = changed.notes + composition.notes
    return composition


def _refused(locked: Locked, changed: words.Asked, given: set[str]) -> list[str]:
    """Return what a repetition cannot be asked for."""
    faults = [
        f"{key}={value}: a repetition keeps the {key}; for another one start a new run: "
        f"+recipe={locked.file.parent / 'recipe.yaml'} {key}=…"
        for key, value in changed.choices.items()
        if key not in MOVABLE
    ]
    if changed.recipe is not None:
        faults.append("a repetition keeps its recipe; start a new run with +recipe=<name>")
    if locked.lock["config"]["consent"]["remote_code"] and "consent.remote_code" not in given:
        faults.append(
            "this run ran code of its model's author; if you trust it, add consent.remote_code=true"
        )
    return faults


def _layer(locked: Locked, choices: Mapping[str, Any]) -> Layer:
    """Return the options and all values of a lock; of groups chosen anew, those of the option."""
    lock = locked.lock
    known = config_of(lock)
    chosen = _options(lock)
    if "hardware" in choices:
        chosen["strategy"] = "auto"
        trainer = {"global_batch_size": lock["global_batch_size"], "gradient_accumulation_steps": 1}
        known["trainer"] = known["trainer"] | trainer
        del known["hardware"], known["strategy"]
    if lock["model"]["commit"]:
        known["model"] = known["model"] | {"revision": lock["model"]["commit"]}
    settings = [
        setting
        for key, value in known.items()
        if key not in (*OWN, *choices) and value != {}
        for setting in flatten({key: _without_type(value, GROUPS.get(key))})
    ]
    source = str(locked.file)
    escaped = [replace(one, value=_literal(one.value), source=source) for one in settings]
    return Layer(choices=chosen | dict(choices), settings=escaped)


def _options(lock: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were chosen; where one was settled otherwise, what it became."""
    config = lock["config"]
    chosen: dict[str, Any] = {
        group: list(config[group]) if known.many else lock["choices"][group]
        for group, known in GROUPS.items()
    }
    for group, option in chosen.items():
        for name in option if GROUPS[group].many else [option]:
            check_option(group, name)
    tree, _ = options_tree(tuple(f"{group}={_text(option)}" for group, option in chosen.items()))
    for group, known in GROUPS.items():
        if not known.many and OmegaConf.get_type(tree[group]) is not known.get(
            kind := config[group]["type"]
        ):
            chosen[group] = kind
    return chosen


def _text(option: Any) -> str:
    return f"[{','.join(option)}]" if isinstance(option, list) else option


def _without_type(value: Any, group: Group | None) -> Any:
    """Return an option's values, or those of several options, without the names of classes."""
    if group is None:
        return value
    if group.many:
        return {name: _values(option) for name, option in value.items()}
    return _values(value)


def _values(option: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in option.items() if key != "type"}


def _literal(value: Any) -> Any:
    """Return a value in which nothing is an interpolation: a lock may come from anywhere."""
    if isinstance(value, str):
        return words.literal(value)
    return [_literal(item) for item in value] if isinstance(value, list) else value


def environment(lock: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that a repetition's workers need to compute the same bits."""
    known = lock["compute"]["environment"]
    plain = {
        name: value
        for name, value in known.items()
        if name in VARIABLES and re.fullmatch(r"[\w.,:=^-]*", value)
    }
    return plain | {THREADS: str(int(lock["compute"]["threads"]))}
