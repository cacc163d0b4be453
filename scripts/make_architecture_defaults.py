"""Writes ftrecipe/builtin/architectures.json: what a family's config.json may leave out.

usage: python scripts/make_architecture_defaults.py
"""

import dataclasses
import json
from typing import Any

from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from ftrecipe.memory.layouts import LAYOUTS
from ftrecipe.memory.numbers import DEFAULTS, READ

OTHERS = ("gemma3", "siglip_vision_model")  # models around or within a language model


def family(model_type: str) -> dict[str, Any]:
    """Return the defaults that are not None, and the names that stand for others."""
    cls = CONFIG_MAPPING[model_type]
    values = {field.name: field.default for field in dataclasses.fields(cls) if field.name in READ}
    return {
        "defaults": {name: value for name, value in values.items() if value is not None},
        "names": {name: other for name, other in cls.attribute_map.items() if other in READ},
    }


def table() -> dict[str, Any]:
    """Return the whole file."""
    families = sorted({*LAYOUTS, *OTHERS})
    return {"schema_version": 1, "families": {name: family(name) for name in families}}


if __name__ == "__main__":
    DEFAULTS.write_text(json.dumps(table(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
