"""The table of library field names is that of the installed libraries."""

import importlib.util
import json
from pathlib import Path

import pytest

from ftrecipe.passthrough import ARGUMENTS

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "make_argument_tables.py"


@pytest.mark.slow
def test_table_is_what_the_script_would_write() -> None:
    spec = importlib.util.spec_from_file_location("make_argument_tables", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert json.loads(ARGUMENTS.read_text("utf-8")) == script.tables()
