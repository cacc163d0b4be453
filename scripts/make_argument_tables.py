"""Writes ftrecipe/builtin/arguments.json: the field names of the library classes behind `extra`.

usage: python scripts/make_argument_tables.py
"""

import dataclasses
import importlib
import json
from pathlib import Path

from ftrecipe.config import GROUPS
from ftrecipe.rules import ARGUMENTS


def names_of(path: str) -> list[str]:
    """Return the constructor's field names of a dataclass given as `module.Class`."""
    module, name = path.rsplit(".", 1)
    cls = getattr(importlib.import_module(module), name)
    return sorted(field.name for field in dataclasses.fields(cls) if field.init)


def members_of(path: str) -> list[str]:
    """Return the values of an enum given as `module.Enum`."""
    module, name = path.rsplit(".", 1)
    return [member.value for member in getattr(importlib.import_module(module), name)]


def tables() -> dict[str, list[str]]:
    """Return the field names of every class that some option passes `extra` on to."""
    classes = [cls for group in GROUPS.values() for cls in group.classes.values()]
    paths = sorted({cls.passes_to for cls in classes if hasattr(cls, "passes_to")} - {""})
    optimizers = sorted(members_of("transformers.training_args.OptimizerNames"))
    known = {path: names_of(path) for path in paths if "." in path}
    return known | {"optimizers": optimizers} | deepspeed_tables() | {"fsdp": fsdp_names()}


def deepspeed_tables() -> dict[str, list[str]]:
    """Return the keys of deepspeed's config, and those of its parts that are models."""
    from deepspeed.runtime import constants
    from deepspeed.runtime.zero.config import DeepSpeedZeroConfig
    from deepspeed.runtime.zero.offload_config import (
        DeepSpeedZeroOffloadOptimizerConfig,
        DeepSpeedZeroOffloadParamConfig,
    )

    words = {value for value in vars(constants).values() if isinstance(value, str)}
    top = {word for word in words if word.isidentifier() and word.islower()}
    parts = {
        "zero_optimization": DeepSpeedZeroConfig,
        "zero_optimization.offload_optimizer": DeepSpeedZeroOffloadOptimizerConfig,
        "zero_optimization.offload_param": DeepSpeedZeroOffloadParamConfig,
    }
    tables = {f"deepspeed.{name}": sorted(model.model_fields) for name, model in parts.items()}
    others = {"activation_checkpointing", "flops_profiler", "comms_logger", "aio"}
    return {"deepspeed": sorted(top | others | {"zero_optimization"})} | tables


def fsdp_names() -> list[str]:
    """Return the keys that accelerate's launcher takes in `fsdp_config`."""
    from accelerate.commands.launch import launch_command_parser

    return sorted(
        action.dest
        for action in launch_command_parser()._actions
        if action.dest.startswith("fsdp_")
    )


def main(out: Path = ARGUMENTS) -> None:
    """Write the table."""
    out.write_text(json.dumps(tables(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
