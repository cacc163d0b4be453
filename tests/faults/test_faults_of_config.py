"""Faults of configuration: told in words, all at once, before anything is written."""

from pathlib import Path

import pytest
from commanding import leftovers
from conftest import Run

from ftrecipe.devices import others

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["peft.rr=8"], ["peft.rr: ", "did you mean peft.r?"]),
        (["trainer.learning_rate=fast"], ["trainer.learning_rate=fast: must be a number"]),
        (["peft=lorra"], ["peft=lorra", "did you mean lora?"]),
        (["+recipe=quickstrat"], ["recipe=quickstrat", "did you mean quickstart?"]),
        (["peft=full", "quantization=nf4"], ["in 4 bits", "use peft=lora, or quantization=none"]),
        (
            ["peft.target_modules=[q_prj]"],
            ["peft.target_modules", "no module q_prj; did you mean q_proj?"],
        ),
    ],
    ids=["typo_in_a_key", "wrong_type", "typo_in_an_option", "unknown_recipe", "contradiction",
         "adapter_target"],
)  # fmt: skip
def test_a_fault_of_configuration_is_refused_at_once(
    words: list[str], told: list[str], run: Run, work: Path
) -> None:
    run("run", "dataset=faq.jsonl", *words).refused(*told)
    assert leftovers(work) == []


def test_all_faults_of_configuration_are_told_together(run: Run) -> None:
    said = run("plan", "dataset=faq.jsonl", "peft.rr=8", "trainer.seeed=1", "peft.dropout=5")
    said.refused("peft.rr", "trainer.seeed", "peft.dropout=5")
    assert len(said.err.splitlines()) == 3


def test_run_without_a_word_of_what_is_refused(run: Run, work: Path) -> None:
    run("run").refused("run what?", "+recipe=quickstart", "dataset=<file>")
    assert leftovers(work) == []


def test_a_gpu_profile_is_refused_where_there_is_no_gpu(run: Run, work: Path) -> None:
    if others():
        pytest.skip("whether this machine has GPUs is left to torch")
    said = run("run", "dataset=faq.jsonl", "hardware=gpu_2x24gb", CUDA_VISIBLE_DEVICES="")
    said.refused("needs 2 GPUs", "no NVIDIA GPU", "hardware=cpu", "plan --write")
    assert leftovers(work) == []


def test_a_plan_for_gpus_is_shown_anywhere_and_says_that_they_are_not_here(run: Run) -> None:
    if others():
        pytest.skip("whether this machine has GPUs is left to torch")
    said = run("plan", "dataset=faq.jsonl", "hardware=gpu_2x24gb", CUDA_VISIBLE_DEVICES="")
    assert said.code == 0
    assert "here      hardware: this profile needs 2 GPUs" in said.out
