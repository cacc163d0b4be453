"""The recipes that are shipped: every one composes, plans, and says what it needs."""

from pathlib import Path

import pytest

from ftrecipe import plan
from ftrecipe.compose import compose
from ftrecipe.config import packaged
from ftrecipe.rundir import STAGES

FILES = sorted(packaged("recipes").rglob("*.yaml"))
NAMES = [file.relative_to(packaged("recipes")).with_suffix("").as_posix() for file in FILES]
PROMISED = (
    "quickstart", "lora_smollm2_135m", "qlora_mistral", "full_smollm2_135m", "qlora_llama3_1_8b",
    "lora_qwen3_8b",
)  # fmt: skip
FAMILIES = ("dora_", "prefix_", "freeze_", "continued_pretraining_")


def test_there_are_at_least_twelve() -> None:
    assert len(FILES) >= 12


def test_the_promised_ones_are_there() -> None:
    assert set(PROMISED) <= set(NAMES)
    assert all(any(name.startswith(family) for name in NAMES) for family in FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_composes_and_plans(name: str, here: Path) -> None:
    made = plan.make(compose([f"+recipe={name}"]), here=False)  # whatever memory is free here
    assert made.name == name
    assert made.stages[0] == "prepare"
    assert set(made.stages) <= set(STAGES)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_recipe_opens_with_model_method_and_hardware(file: Path) -> None:
    comment = ""
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            break
        comment += line
    assert all(word in comment for word in ("Model:", "Method:", "Hardware:"))
    assert any(word in comment.lower() for word in ("minute", "hour", "second"))


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_recipe_is_a_short_page_with_a_description(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines()
    assert len(lines) <= 30
    assert any(line.startswith("description: ") for line in lines)


def test_qlora_mistral_is_the_recipe_that_was_promised(here: Path) -> None:
    run = compose(["+recipe=qlora_mistral"]).run
    assert run.model.path == "mistralai/Mistral-7B-Instruct-v0.3"
    assert run.quantization.bits == 4
    assert (vars(run.peft)["r"], vars(run.peft)["alpha"]) == (16, 32)
    assert run.trainer.per_device_train_batch_size == 4
    assert (run.trainer.learning_rate, run.trainer.num_train_epochs) == (2e-4, 3)
    split = run.dataset.split
    assert (split.train, split.validation, split.test) == (0.8, 0.1, 0.1)
