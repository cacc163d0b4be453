"""From words and recipes to a RunConfig: Hydra picks the options, every value is set typed here."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf, open_dict

from ftrecipe import config, rules
from ftrecipe.config import GROUPS, RunConfig, options, packaged
from ftrecipe.door import earlier, recipes, words
from ftrecipe.door.apply import apply
from ftrecipe.door.interpolation import unresolved
from ftrecipe.door.vet import MOST_FAULTS, TOO_MANY, Layer, Setting
from ftrecipe.errors import ConfigError, RuleError
from ftrecipe.sealing import opened

Judge = Callable[[RunConfig, bool, Set[str]], None]


@dataclass
class Composition:
    """A composed run, what it was made of, and how it differs from the defaults."""

    run: RunConfig
    recipe: str | None
    choices: dict[str, Any]
    differences: dict[str, Any] = field(default_factory=dict)
    names_model: bool = True  # whether anything said which model
    names_data: bool = True  # whether anything said which data
    notes: list[str] = field(default_factory=list)  # what was found out on the way
    named: dict[str, str] = field(default_factory=dict)  # earlier runs: as typed, and the folder


def compose(line: list[str], audit_only: bool = False) -> Composition:
    """Return the run that the words of a command line ask for.

    With `audit_only` its data is only looked at: what cannot be trained is no fault. Raises
    ConfigError with all faults of the words, the choices, the values and the rules together, but
    not of rules that look at what is faulty already; RuleError where only rules are broken.
    """
    asked = words.read(line)
    layers: list[Layer] = [asked]
    if asked.recipe is not None:
        try:
            layers = [*recipes.lineage(asked.recipe), asked]
        except ConfigError as error:
            layers = [Layer(faults=error.faults, unsure=set(GROUPS)), asked]
    if not any("dataset" in layer.choices.keys() | layer.unsure for layer in layers):
        words.look_at_the_file(asked)
    composition = compose_layers(layers, asked.recipe, audit_only)
    composition.notes = asked.notes + composition.notes
    return composition


def compose_layers(
    layers: Sequence[Layer],
    recipe: str | None,
    audit_only: bool = False,
    judge: Judge = rules.check,
    environment: Mapping[str, str] = os.environ,
) -> Composition:
    """Return the run that `layers` ask for, each one winning over those before it.

    `judge` raises ConfigError for what may not be combined, and is told which keys are written now;
    the `environment` has what was too secret to be written down.
    """
    chosen: dict[str, Any] = {}
    for layer in layers:
        chosen |= layer.choices
    untouched, choices = options_tree(tuple(f"{k}={_hydra_text(v)}" for k, v in chosen.items()))
    node = untouched.copy()
    final = {one.key: one for layer in layers for one in layer.settings}
    layers = [with_secrets(layer, environment, final) for layer in layers]
    faults, doubtful = _set_all(node, layers)
    refused = [*faults, *_placed((f"{key}: {why}" for key, why in unresolved(node)), layers)]
    named: dict[str, str] = {}
    if len(refused) == len(faults):
        named, unknown = earlier.settled(node, doubtful)
        faults += _placed(unknown, layers)
        doubtful |= {fault.partition(".")[0] for fault in unknown}
        refused = list(faults)
    if len(refused) == len(faults) and (not doubtful or judge is rules.check):
        written = {key for key, one in final.items() if not one.recorded}
        told = _ruled(node, audit_only, judge, doubtful, written)
        refused += _placed(told, layers)
    if refused:
        raise (ConfigError if faults else RuleError)(refused)
    run = to_run(node)
    run = replace(run, model=run.dataset.implied(run.model))
    asked = {*chosen, *(s.path[0] for one in layers for s in one.settings)}
    return Composition(
        run,
        recipe,
        choices,
        differences(untouched, node),
        names_model="model" in asked,
        names_data="dataset" in asked,
        notes=[f"run       {name} is {folder}" for name, folder in named.items()],
        named=named,
    )


def _set_all(node: DictConfig, layers: Sequence[Layer]) -> tuple[list[str], set[str]]:
    """Set the values of all layers; return the faults, and the groups that are not as was meant."""
    faults = [fault for layer in layers for fault in layer.faults]
    unsure = {group for layer in layers for group in layer.unsure}
    doubtful = unsure | {group for layer in layers for group in layer.doubtful}
    last: dict[str, Setting] = {}
    for index, layer in enumerate(layers):
        replaced = {group for later in layers[index + 1 :] for group in later.choices}
        for setting in [*_other_data(layer), *layer.settings]:
            if not _is_of_replaced_option(setting, node, replaced):
                found = apply(node, setting) if len(faults) < MOST_FAULTS else []
                faults += found if setting.path[0] not in unsure else []
                doubtful |= {setting.path[0]} if found else set()
                last[setting.key] = setting
    reached = [setting for setting in last.values() if setting.outside]
    faults += [fault for setting in reached for fault in _reached(setting)]
    doubtful |= {setting.path[0] for setting in reached}  # nothing there is looked at
    faults += [f"this {TOO_MANY}"] if len(faults) >= MOST_FAULTS else []
    return faults, doubtful


def _reached(setting: Setting) -> Iterator[str]:
    """Yield the files that a recipe names, and may not."""
    yield from (f"{setting.source}: {setting.key}={why}" for why in setting.outside)


def _ruled(
    node: DictConfig, audit_only: bool, judge: Judge, doubtful: set[str], written: set[str]
) -> Sequence[str]:
    """Return what may not be combined, as far as what is not `doubtful` tells."""
    run = to_run(node)
    if doubtful & {"dataset", "model"}:
        return rules.faults(run, audit_only, doubtful, written)
    run = replace(run, model=run.dataset.implied(run.model))
    if doubtful:
        return rules.faults(run, audit_only, doubtful, written)
    try:
        judge(run, audit_only, written)
    except ConfigError as error:
        return error.faults
    return []


def _placed(faults: Iterable[str], layers: Sequence[Layer]) -> list[str]:
    """Put the file and line before each fault whose key was set, or option chosen, there."""
    places: dict[str, str] = {}
    for layer in layers:
        chosen = {group: layer.places.get(group, words.LINE) for group in layer.choices}
        places |= chosen | {setting.key: setting.source for setting in layer.settings}
    return [f"{where}: {one}" if (where := _place(one, places)) else one for one in faults]


def _place(fault: str, places: Mapping[str, str]) -> str:
    """Return where the key that a fault begins with, or one above it, was set; else nothing."""
    named = re.match(r"[a-z_]+(\.[\w-]+)*(?=[=: ])", fault)
    parts = named[0].split(".") if named else []
    while parts:
        if where := _set_at(".".join(parts), places):
            return "" if where == words.LINE else where
        parts.pop()
    return ""


def _set_at(key: str, places: Mapping[str, str]) -> str:
    """Return where a key, or the last one below it if it has values of its own, was set."""
    if "." not in key:
        return places.get(key, "")
    below = [where for known, where in places.items() if known.startswith(f"{key}.")]
    return places.get(key) or (below[-1] if below else "")


def with_secrets(
    layer: Layer, environment: Mapping[str, str], final: Mapping[str, Setting] | None = None
) -> Layer:
    """Return a layer whose values are whole again where a run or recipe left a secret out.

    A value that is not the `final` one of its key is not asked for: another was given since.
    """
    settings, faults = [], list(layer.faults)
    for setting in layer.settings:
        if final is not None and final[setting.key] is not setting:
            settings.append(setting)
            continue
        try:
            value = opened(setting.value, environment, setting.key, setting.source)
        except ConfigError as error:
            faults += error.faults
        else:
            same = value == setting.value
            settings.append(setting if same else replace(setting, value=value, text=None))
    return replace(layer, settings=settings, faults=faults)


def _other_data(layer: Layer) -> list[Setting]:
    """Forget the held-out files of the layers below where `layer` names other data."""
    named = next((one for one in layer.settings if one.path == ("dataset", "path")), None)
    if named is None:
        return []
    return [
        replace(named, path=("dataset", name), value=None, text=None, outside=())
        for name in ("validation_path", "test_path")
    ]


def _is_of_replaced_option(setting: Setting, node: DictConfig, replaced: set[str]) -> bool:
    """Tell whether a value is one that only the option had that a later layer replaced."""
    group, *rest = setting.path
    if group not in replaced or not rest or rest[0] in node[group]:
        return False
    if GROUPS[group].many:
        return rest[0] in options(group)
    return any(rest[0] == f.name for kind in GROUPS[group].classes.values() for f in fields(kind))


@cache
def options_tree(overrides: tuple[str, ...] = ()) -> tuple[DictConfig, dict[str, Any]]:
    """Return the typed tree of the chosen options, to be copied, and the choices.

    What a group holds depends on its own options alone, and conf/ does not change: Hydra is asked
    only where an option was not seen before. A sweep asks for the same ones in many combinations.
    """
    seen, texts = _seen(), dict(one.split("=", 1) for one in overrides)
    wanted = {group: (group, texts.get(group)) for group in GROUPS}
    if not seen.keys() >= set(wanted.values()):
        tree, choices = composed_by_hydra(overrides)
        for group, key in wanted.items():
            for known_as in (key, (group, _hydra_text(choices[group]))):
                seen.setdefault(known_as, (tree, choices[group]))
        return tree, choices
    first, _ = next(iter(seen.values()))
    tree = first.copy()
    for group, key in wanted.items():
        holder, _ = seen[key]
        if holder is not first:
            tree[group] = holder[group]
    return tree, {group: seen[key][1] for group, key in wanted.items()}


@cache
def _seen() -> dict[tuple[str, str | None], tuple[DictConfig, Any]]:
    """Return of each option seen, by group and text or None for the default: its tree and name."""
    return {}


def composed_by_hydra(overrides: Sequence[str]) -> tuple[DictConfig, dict[str, Any]]:
    """Let Hydra compose the chosen options; return the typed tree, and the choices."""
    prepare_hydra()
    with initialize_config_dir(str(packaged("conf").resolve()), version_base="1.3"):
        whole = hydra_compose("config", list(overrides), return_hydra_config=True)
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


def to_run(node: DictConfig) -> RunConfig:
    """Return the typed tree as objects. Raises ConfigError for an interpolation without a value."""
    if faults := [f"{key}: {why}" for key, why in unresolved(node)]:
        raise ConfigError(faults)
    run = OmegaConf.to_object(node)
    assert isinstance(run, RunConfig)
    return run


def differences(before: DictConfig, after: DictConfig) -> dict[str, Any]:
    """Return the nested values of `after` that are not those of `before`."""
    old = OmegaConf.to_container(before, resolve=False, enum_to_str=True)
    new = OmegaConf.to_container(after, resolve=False, enum_to_str=True)
    return difference(old, new)


def difference(old: Any, new: Any) -> dict[str, Any]:
    """Return the nested values of one plain mapping that are not those of another."""
    changed: dict[str, Any] = {}
    for key, value in new.items():
        if key in old and isinstance(value, dict) and isinstance(old[key], dict):
            below = difference(old[key], value)
            if below:
                changed[key] = below
        elif key not in old or old[key] != value:
            changed[key] = value
    return changed
