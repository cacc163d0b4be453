"""What `plan` shows: what somebody chose, what was decided, and every trial of a sweep."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe import plan
from ftrecipe.compose import compose
from ftrecipe.config import options
from ftrecipe.errors import ConfigError
from ftrecipe.planned import describe

ROOM = "hardware.memory_gb=8"


def shown(*words: str, every: bool = False) -> str:
    return "\n".join(describe(plan.make(compose([*words, ROOM])), every=every))


def test_only_what_says_something_is_shown(faq: str) -> None:
    text = shown(f"dataset={faq}", "trainer.max_steps=3", "trainer.group_by_length=true")
    assert "max_steps=3" in text
    assert "system=null" not in text
    assert "eval_samples" not in text
    assert len(text) < 0.6 * len(shown(f"dataset={faq}", every=True))


def test_what_was_asked_for_is_shown_though_it_is_nothing(faq: str) -> None:
    assert "memory_gb=8" in shown(f"dataset={faq}")
    assert "per_device_train_batch_size=3" in shown(
        f"dataset={faq}", "trainer.per_device_train_batch_size=3"
    )


def test_what_was_decided_here_is_said(faq: str) -> None:
    assert "decided here: processes=1" in shown(f"dataset={faq}")


@pytest.mark.parametrize("flag", [[], ["--all"]])
def test_every_field_is_shown_on_demand(flag: list[str], cli: Cli, faq: str) -> None:
    text = cli("plan", *flag, f"dataset={faq}", ROOM).out
    assert ("early_stopping_patience=null" in text) is bool(flag)


def test_every_option_can_be_shown(faq: str) -> None:
    for method in options("peft"):
        assert f"peft:         {method}" in shown(f"dataset={faq}", f"peft={method}")


def test_all_trials_of_a_sweep_are_checked_and_counted(cli: Cli, faq: str) -> None:
    said = cli("plan", "-m", f"dataset={faq}", "peft=lora,full", "quantization=none,nf4", ROOM)
    assert said.code == 0
    assert "trials: 4; 3 of 4 combinations that were checked can run" in said.out
    assert "refused   peft=full quantization=nf4: peft=full and quantization=nf4" in said.out
    assert "stages    prepare" in said.out


def test_a_sweep_is_planned_for_machines_too(cli: Cli, faq: str) -> None:
    said = cli("plan", "--json", "--multirun", f"dataset={faq}", "peft.r=4,8", ROOM)
    found = json.loads(said.out)
    assert (found["trials"], found["checked"], found["refused"]) == (2, 2, [])
    assert found["first"]["config"]["peft"]["r"] == 4


def test_a_fault_of_every_trial_is_told_as_such(cli: Cli, faq: str) -> None:
    said = cli("plan", "-m", f"dataset={faq}", "peft.r=4,8", "lora_alpha=3")
    assert said.code == 2
    assert "did you mean peft.alpha?" in said.err


def test_a_classification_of_what_is_none_is_told_before_anything_is_prepared(faq: str) -> None:
    words = [f"dataset={faq}", "eval=[classification]", ROOM]
    split = "dataset.split={train: 0.2, validation: 0.2, test: 0.6}"
    with pytest.raises(ConfigError, match="different answers"):
        plan.make(compose([*words, split]))
    labels = "eval.classification.labels=[a,b]"
    with pytest.raises(ConfigError, match="is none of the labels"):
        plan.make(compose([*words, labels]))


def test_data_that_a_suite_brings_is_looked_at_too(faq: str, here: Path) -> None:
    rows = "".join(f"What is {n}?,yes\n" for n in range(4))
    (here / "own.csv").write_text(f"question,answer\n{rows}", "utf-8")
    words = [f"dataset={faq}", "eval=[classification]", "eval.classification.path=own.csv", ROOM]
    with pytest.raises(ConfigError, match=r"eval.classification.path: every answer is 'yes'"):
        plan.make(compose(words))


def test_a_runs_own_recipe_keeps_the_runs_name(
    faq: str, here: Path, recipe: Callable[[str, str], Path]
) -> None:
    recipe("mine", f"defaults: [override /dataset: auto]\ndataset: {{path: {faq}}}")
    folder = here / "runs" / "mine" / "1"
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text((here / "recipes" / "mine.yaml").read_text())
    words = [f"recipe={folder}/recipe.yaml", ROOM]
    assert plan.make(compose(words)).name == "recipe"
    (folder / "run.json").write_text('{"name": "team/mine"}')
    assert plan.make(compose(words)).name == "team/mine"
