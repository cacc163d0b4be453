"""The facts of named models are what the script keeps of a config.json."""

import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from ftrecipe.components.model.facts import FACTS

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_model_facts.py"
TINY = FACTS.parent / "tiny"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_model_facts", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_holds_what_the_script_would_keep_of_it(script: ModuleType) -> None:
    models = json.loads(FACTS.read_text("utf-8"))["models"]
    assert {hub_id: script.entry(known["config"]) for hub_id, known in models.items()} == models


def test_a_model_is_added_from_its_folder(script: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    shutil.copy(FACTS, file)
    script.main([f"org/tiny={TINY}"], file)
    before, after = json.loads(FACTS.read_text()), json.loads(file.read_text())
    added = after["models"].pop("org/tiny")
    assert after == before
    assert added["parameters"] == 3_081_984
    assert "hidden_act" not in added["config"]


def test_a_model_of_a_family_that_is_not_known_is_refused(script: ModuleType) -> None:
    with pytest.raises(SystemExit, match="mamba is not in"):
        script.entry({"model_type": "mamba"})
