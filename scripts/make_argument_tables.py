"""Writes ftrecipe/builtin/arguments.json: what the library classes behind `extra` take, by name.

usage: python scripts/make_argument_tables.py
"""

import dataclasses
import importlib
import json
import types
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le

from ftrecipe.config import GROUPS
from ftrecipe.passthrough import ARGUMENTS

KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", Path: "string",
         type(None): "null"}  # fmt: skip
Row = dict[str, Any]


def row_of(hint: Any) -> Row:
    """Return what a type hint allows, as types of JSON and choices; {} for anything.

    What is neither, such as a class of the library's own, allows nothing.
    """
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    kinds: list[str] = []
    choices: list[Any] = []
    for part in parts:
        origin = get_origin(part) or part
        if part is Any or part is object:
            return {}
        if origin is Literal:
            choices += get_args(part)
        elif isinstance(part, type) and issubclass(part, Enum):
            choices += [member.value for member in part]
        elif origin in KINDS:
            kinds.append(KINDS[origin])
        elif origin in (list, tuple, set):
            kinds.append("array")
        elif origin is dict:
            kinds.append("object")
    return _row(kinds, choices)


def _row(kinds: list[str], choices: list[Any]) -> Row:
    """Return a row; text beside an enum is the enum's value, and null is a type."""
    if any("[" in str(one) for one in choices):  # "pissa_niter_[number of iters]" is a pattern
        choices, kinds = [], [*kinds, "string"]
    texts = any(isinstance(one, str) for one in choices)
    kept = [kind for kind in kinds if not (texts and kind == "string")]
    found = {"types": sorted(set(kept)), "choices": choices}
    return {name: value for name, value in found.items() if value} or {"types": []}


def rows_of(path: str) -> dict[str, Row]:
    """Return the constructor's fields of a dataclass given as `module.Class`."""
    module, name = path.rsplit(".", 1)
    cls = getattr(importlib.import_module(module), name)
    hints = get_type_hints(cls)
    return {
        field.name: _chosen(row_of(hints[field.name]), field)
        for field in sorted(dataclasses.fields(cls), key=lambda one: one.name)
        if field.init
    }


def _chosen(row: Row, field: "dataclasses.Field[Any]") -> Row:
    """Let the choices that a field declares take the place of any text."""
    if "choices" not in field.metadata:
        return row
    kinds = [kind for kind in row.get("types", []) if kind != "string"]
    return _row(kinds, list(field.metadata["choices"]))


def members_of(path: str) -> dict[str, Row]:
    """Return the values of an enum given as `module.Enum`."""
    module, name = path.rsplit(".", 1)
    return {
        one: {} for one in sorted(m.value for m in getattr(importlib.import_module(module), name))
    }


def tables() -> dict[str, dict[str, Row]]:
    """Return the fields of every class that some option passes `extra` on to."""
    classes = [cls for group in GROUPS.values() for cls in group.classes.values()]
    paths = sorted({cls.passes_to for cls in classes if hasattr(cls, "passes_to")} - {""})
    known = {path: rows_of(path) for path in paths if "." in path}
    optimizers = members_of("transformers.training_args.OptimizerNames")
    known |= {"optimizers": optimizers, "model_types": model_types(), "fsdp": fsdp_rows()}
    return known | deepspeed_tables()


def model_types() -> dict[str, Row]:
    """Return the architectures that transformers loads as causal language models."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return {name: {} for name in sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)}


def deepspeed_tables() -> dict[str, dict[str, Row]]:
    """Return the keys of deepspeed's config, and those of its parts that are models."""
    from deepspeed.runtime import constants
    from deepspeed.runtime.zero.config import DeepSpeedZeroConfig
    from deepspeed.runtime.zero.offload_config import (
        DeepSpeedZeroOffloadOptimizerConfig,
        DeepSpeedZeroOffloadParamConfig,
    )

    known = {name: word for name, word in vars(constants).items() if isinstance(word, str)}
    top = {
        word: _like(vars(constants).get(f"{name}_DEFAULT"))
        for name, word in known.items()
        if word.isidentifier() and word.islower() and not name.endswith("_DEFAULT")
    }
    others = ("activation_checkpointing", "flops_profiler", "comms_logger", "aio")
    blocks = {name: {"types": ["object"]} for name in ("zero_optimization", *others)}
    parts = {
        "zero_optimization": DeepSpeedZeroConfig,
        "zero_optimization.offload_optimizer": DeepSpeedZeroOffloadOptimizerConfig,
        "zero_optimization.offload_param": DeepSpeedZeroOffloadParamConfig,
    }
    models = {f"deepspeed.{name}": model_rows(model) for name, model in parts.items()}
    return {"deepspeed": dict(sorted((top | blocks).items()))} | models


def _like(default: object) -> Row:
    """Return what a key takes whose default is this; of most others only the name is known."""
    if isinstance(default, bool):
        return _automatic({"types": ["boolean"]})
    return _automatic({"types": ["number"]}) if isinstance(default, int | float) else {}


def _automatic(row: Row) -> Row:
    """Allow "auto", which transformers fills in."""
    return row and row | {"choices": [*row.get("choices", []), "auto"]}


def model_rows(model: Any) -> dict[str, Row]:
    """Return the fields of a pydantic model, by name and by alias, with their bounds."""
    rows: dict[str, Row] = {}
    for name, field in model.model_fields.items():
        row = row_of(field.annotation)
        if "object" not in row.get("types", []) and not _plain(field.annotation):
            row = row | {"types": sorted({*row.get("types", []), "object"})}
        for limit in field.metadata:
            if isinstance(limit, Ge):
                row = row | {"low": limit.ge}
            elif isinstance(limit, Gt):  # all of them are of whole numbers
                row = row | {"low": limit.gt + 1}  # type: ignore[operator]
            elif isinstance(limit, Le):
                row = row | {"high": limit.le}
        rows[name] = _automatic(row)
        if field.alias:
            rows[field.alias] = rows[name]
    return dict(sorted(rows.items()))


def _plain(hint: Any) -> bool:
    """Tell a hint without a model in it, which a mapping would fill."""
    parts = get_args(hint) or (hint,)
    return not any(hasattr(part, "model_fields") for part in parts)


def fsdp_rows() -> dict[str, Row]:
    """Return the keys that accelerate's launcher takes in `fsdp_config`."""
    from accelerate.commands.launch import launch_command_parser

    return {
        action.dest: _action(action)
        for action in sorted(launch_command_parser()._actions, key=lambda one: one.dest)
        if action.dest.startswith("fsdp_")
    }


def _action(action: Any) -> Row:
    """Return what an argument of a parser takes; what is "true" or "false" there is so in YAML."""
    if action.default in ("true", "false"):
        return {"types": ["boolean"]}
    if action.choices:
        numbers = [int(one) for one in action.choices if one.isdigit()]
        return {"choices": [*action.choices, *numbers]}
    return {"types": [KINDS[action.type]]}


def main(out: Path = ARGUMENTS) -> None:
    """Write the table."""
    lines = json.dumps(tables(), indent=1)
    out.write_text(lines + "\n", encoding="utf-8")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
