"""A plan in lines for a person: what was chosen, what was decided for it, what it will take."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

import yaml

from ftrecipe.config import GROUPS, options, packaged, plain_value
from ftrecipe.fit import told
from ftrecipe.plan import Plan
from ftrecipe.verified import is_verified

MORE = "every field: plan --all"


def describe(plan: Plan, every: bool = False) -> list[str]:
    """Return the plan in lines; of values only those that say something, or `every` one."""
    folder = plan.runs_dir / plan.name / "<date>_<time>"
    lines = [f"plan      {plan.name}", "", "config" if every else f"config    ({MORE})"]
    lines += [line for group in plan.config for line in _group_lines(group, plan, every)]
    lines += ["", f"stages    {' → '.join(plan.stages)}", _steps(plan)]
    lines += plan.notes
    lines += [plan.disk.line()] if plan.disk else []
    lines += _batch(plan)
    lines += told.lines(plan.memory) if plan.memory else []
    for rank in range(plan.run.hardware.num_machines):
        where = f" of machine {rank}" if plan.run.hardware.num_machines > 1 else ""
        words = plan.commands(folder, str(rank))
        lines += ["", "command" + "s" * (len(words) > 1) + where]
        lines += [f"  {shlex.join(one)}" for one in words]
    lines += ["", f"files     in {folder}/", f"  {'  '.join(plan.files)}"]
    return lines


def _steps(plan: Plan) -> str:
    if plan.rows is None:
        return "steps     known once the data is prepared (python -m ftrecipe check …)"
    if plan.steps_per_epoch is None:
        return f"steps     {plan.rows:,} training rows; packing decides the steps"
    return (
        f"steps     {plan.steps_per_epoch:,} an epoch ({plan.rows:,} training rows), "
        f"{plan.total_steps:,} in all"
    )


def _batch(plan: Plan) -> list[str]:
    """Say how the global batch comes about, where several processes or steps share in it."""
    run = plan.run
    lines = []
    if plan.global_batch_size != run.trainer.per_device_train_batch_size:
        lines.append(
            f"batch     {plan.global_batch_size} rows a step: {run.world_size} processes x "
            f"{run.trainer.per_device_train_batch_size} rows x "
            f"{run.trainer.gradient_accumulation_steps} accumulation steps"
        )
    if not is_verified(run):
        lines.append(
            "unverified  this hardware with this strategy has not been run by us: its files are "
            "checked against golden files only"
        )
    return lines


def _group_lines(group: str, plan: Plan, every: bool) -> Iterator[str]:
    value, asked = plan.config[group], plan.differences.get(group, {})
    if group not in plan.choices:
        if group == "consent":
            return
        shown = value if every or not isinstance(value, dict) else _chosen(value, asked)
        if shown and (every or group != "runs_dir"):
            yield f"  {group + ':':<14}{_text(shown) if isinstance(shown, dict | list) else shown}"
        return
    chosen, decided = plan.choices[group], plan.decided.get(group, {})
    if isinstance(chosen, list):
        yield f"  {group + ':':<14}{', '.join(chosen) or '(none)'}"
        for name in chosen:
            below = _shown(group, name, value[name], asked.get(name, {}), {}, every)
            if below or every:
                yield f"    {name}: {below}"
        return
    kind = value["type"]
    settled = kind if chosen == "auto" and kind in options(group) else chosen
    yield f"  {group + ':':<14}{chosen if settled == chosen else f'{chosen} → {settled}'}"
    if below := _shown(group, chosen, value, asked, decided, every):
        yield f"    {below}"
    here = {key: item for key, item in decided.items() if key != "type"}
    if here:
        yield f"    decided here: {_fields(here)}"


def _shown(
    group: str, name: str, value: Mapping[str, Any], asked: Any, decided: Any, every: bool
) -> str:
    """Return the values of an option, every one, or those that somebody chose."""
    if every:
        return _fields(value)
    usual = _usual(group, value["type"])
    headline = _headline(group, name)
    return _fields(
        {
            key: _chosen(item, asked[key]) if key in asked and isinstance(item, dict) else item
            for key, item in value.items()
            if key in asked
            or (
                key not in decided
                and item not in (None, "", [], {})
                and (key in headline or item != usual.get(key))
            )
        }
    )


def _chosen(value: Mapping[str, Any], asked: Any) -> dict[str, Any]:
    """Return of nested values those that were asked for; all of them where none can be told."""
    if not isinstance(asked, dict):
        return dict(value)
    return {key: value[key] for key in asked if key in value}


@cache
def _usual(group: str, kind: str) -> dict[str, Any]:
    """Return what the fields of an option's class are where nobody says otherwise."""
    found = {}
    for item in fields(GROUPS[group].get(kind)):
        value = item.default_factory() if item.default_factory is not MISSING else item.default
        found[item.name] = plain_value(value)
    return found


@cache
def _headline(group: str, name: str) -> frozenset[str]:
    """Return the fields that an option's own file sets: those that say what it is."""
    file = packaged("conf") / group / f"{name}.yaml"
    if not file.is_file():  # of an installed package
        return frozenset()
    return frozenset(yaml.safe_load(file.read_text("utf-8")) or {}) - {"defaults"}


def _fields(node: Mapping[str, Any]) -> str:
    shown = [f"{key}={_text(value)}" for key, value in node.items() if key != "type"]
    return " ".join(shown)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(str, value)) + "]"
    text = str(value)
    return repr(text) if " " in text or "\n" in text else text
