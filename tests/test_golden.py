"""The files that a plan writes, for every hardware with every strategy, against golden files.

`FTRECIPE_WRITE_GOLDEN=1 python -m pytest -m slow tests/test_golden.py` writes them anew; then read
the diff.
"""

import os
import sys
from pathlib import Path

import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.config import options
from ftrecipe.errors import ConfigError

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "golden"
HARDWARE = [name for name in options("hardware") if name != "auto"]
RECIPES = ("quickstart", "qlora_mistral", "full_smollm2_135m")
FILES = ("plan.sh", "accelerate.yaml", "deepspeed.json")


def written(hardware: str, strategy: str, recipe: str, folder: Path) -> str:
    """Return all files of a plan as one text, or why it is refused."""
    line = [f"+recipe={recipe}", f"hardware={hardware}", f"strategy={strategy}",
            "hardware.precision=bf16", "trainer.per_device_train_batch_size=4",
            "trainer.global_batch_size=128"]  # fmt: skip
    if hardware.startswith("cpu"):
        line.append("hardware.memory_gb=64")  # not that of the machine that runs the test
    if hardware.startswith("nodes"):
        line.append("hardware.main_process_ip=10.0.0.1")
    try:
        made = plan.make(compose(line))
    except ConfigError as error:
        return "".join(f"refused: {fault}\n" for fault in error.faults)
    rundir = launch.create(made, folder)
    texts = [*(f"{note}\n" for note in made.notes)]
    for name in FILES:
        if (rundir.path / name).is_file():
            texts.append(f"--- {name}\n{(rundir.path / name).read_text('utf-8')}")
    text = "".join(texts)
    for known, word in ((str(folder), "RUN"), (sys.executable, "python"), (os.getcwd(), "HERE")):
        text = text.replace(known, word)
    return text


@pytest.mark.parametrize("hardware", HARDWARE)
def test_a_plan_writes_exactly_the_golden_files(hardware: str, here: Path) -> None:
    sections = [
        f"===== hardware={hardware} strategy={strategy} +recipe={recipe}\n"
        + written(hardware, strategy, recipe, here / f"{strategy}-{recipe}")
        for strategy in options("strategy")
        for recipe in RECIPES
    ]
    file = GOLDEN / f"{hardware}.txt"
    if os.environ.get("FTRECIPE_WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(sections), "utf-8")
    assert "\n".join(sections) == file.read_text("utf-8")
