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
    paths = sorted({cls.passes_to for cls in classes if hasattr(cls, "passes_to")})
    optimizers = sorted(members_of("transformers.training_args.OptimizerNames"))
    return {path: names_of(path) for path in paths} | {"optimizers": optimizers}


def main(out: Path = ARGUMENTS) -> None:
    """Write the table."""
    out.write_text(json.dumps(tables(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
