"""Adds models to ftrecipe/builtin/models.json: of their config.json, the numbers that are read.

usage: python scripts/make_model_facts.py ORG/NAME[=FOLDER] ...

A model without a folder is asked of the hub, config.json alone.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ftrecipe.components.model.facts import FACTS
from ftrecipe.memory.architecture import read
from ftrecipe.memory.numbers import READ


def entry(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a config.json. Raises SystemExit where its model is not known."""
    kept = numbers(config)
    architecture = read(kept)
    if architecture is None:
        raise SystemExit(f"model_type {config.get('model_type')} is not in ftrecipe/memory/layouts")
    if read(config) != architecture:
        raise SystemExit(
            "ftrecipe/memory/numbers.READ lacks a name that this config.json is read by"
        )
    return {"parameters": architecture.parameters, "config": kept}


def numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names of a config.json that are read, and those of the models within it.

    Of rope scaling, no list is read.
    """
    found = {
        name: {k: v for k, v in value.items() if not isinstance(v, list)}
        if isinstance(value, Mapping)
        else value
        for name, value in config.items()
        if name in READ | {"model_type"}
    }
    parts = {name: numbers(part) for name, part in config.items() if name[-7:] == "_config"
             and isinstance(part, Mapping)}  # fmt: skip
    return dict(sorted((found | parts).items()))


def config_json(named: str) -> dict[str, Any]:
    """Return the config.json of ORG/NAME=FOLDER, or of the hub's ORG/NAME."""
    hub_id, _, folder = named.partition("=")
    if folder:
        return json.loads((Path(folder) / "config.json").read_text("utf-8"))
    from huggingface_hub import hf_hub_download

    return json.loads(Path(hf_hub_download(hub_id, "config.json")).read_text("utf-8"))


def main(asked: list[str], file: Path = FACTS) -> None:
    """Write the table with the models asked for, in the order of their names."""
    table = json.loads(file.read_text("utf-8"))
    added = {named.partition("=")[0]: entry(config_json(named)) for named in asked}
    table["models"] = dict(sorted((table["models"] | added).items()))
    file.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
