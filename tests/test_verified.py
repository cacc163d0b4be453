"""The table of what was really run: the documentation shows it, and plans are marked by it.

`FTRECIPE_WRITE_GOLDEN=1 python -m pytest tests/test_verified.py` writes the table anew.
"""

import os
import re
from pathlib import Path

import pytest
from answers import ROOT, Cli

from ftrecipe.components.hardware import Device
from ftrecipe.config import options
from ftrecipe.verified import table

PAGE = ROOT / "docs" / "hardware.md"
BETWEEN = re.compile(r"(<!-- verified.*?-->\n)(.*?)(<!-- /verified -->)", re.DOTALL)


def shown() -> str:
    head = "| strategy | device | machines | where |\n|---|---|---|---|\n"
    rows = [f"| `{r.strategy}` | {r.device} | {r.machines} | {r.where} |" for r in table()]
    return head + "\n".join(rows) + "\n"


def test_the_documentation_shows_what_was_run() -> None:
    text = PAGE.read_text("utf-8")
    if os.environ.get("FTRECIPE_WRITE_GOLDEN"):
        text = BETWEEN.sub(lambda found: found[1] + shown() + found[3], text)
        PAGE.write_text(text, "utf-8")
    found = BETWEEN.search(text)
    assert found is not None
    assert found[2] == shown()


def test_the_table_names_strategies_and_devices_that_there_are() -> None:
    for row in table():
        assert row.strategy in options("strategy")
        assert row.device in {device.value for device in Device}
        assert row.machines in ("one", "several")


@pytest.mark.parametrize(
    ("hardware", "marked"), [("cpu", False), ("cpu_2", False), ("gpu_8x80gb", True)]
)
def test_a_plan_says_unverified_only_of_what_was_not_run(
    cli: Cli, faq: str, hardware: str, marked: bool, here: Path
) -> None:
    said = cli("plan", f"dataset={faq}", f"hardware={hardware}")
    assert ("unverified" in said.out) is marked
