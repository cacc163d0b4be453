"""What is said twice on one line, or in one recipe, and differently, is told and not guessed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.compose import compose
from ftrecipe.door import words
from ftrecipe.errors import ConfigError
from ftrecipe.sweep import line

Write = Callable[[str, str], Path]


def test_a_group_that_takes_several_shows_how_to_have_them_all() -> None:
    assert words.read(["export=gguf", "export=vllm"]).faults == [
        "export: is given twice, with different values (gguf and vllm); for all of them, "
        "export=[gguf,vllm]"
    ]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("peft=lora peft=dora", "peft"),
        ("trainer.max_steps=2 ++trainer.max_steps=3", "trainer.max_steps"),
        (
            "trainer.extra={adam_beta2: 0.9} trainer.extra.adam_beta2=0.8",
            "trainer.extra.adam_beta2",
        ),
        ("model=a/b model.path=c/d", "model.path"),
        ("eval=[qa] eval=[]", "eval"),
    ],
)
def test_of_two_values_of_a_key_the_last_counts_and_that_is_told(line: str, key: str) -> None:
    asked = words.read(line.replace(": ", ":").split())
    assert asked.faults == []
    (told,) = asked.notes
    assert told.startswith(f"twice     {key}: ")


def test_the_value_said_last_is_the_one_that_counts(cli: Cli) -> None:
    first = "trainer.max_steps=3"
    told = cli("plan", "+recipe=quickstart", first, "trainer.max_steps=2", first, "peft.r=4").out
    assert "twice     trainer.max_steps: 3 comes last and counts, not 2" in told
    assert compose(["seed=1", "peft=lora", "seed=2"]).run.seed == 2


def test_the_same_twice_is_no_fault() -> None:
    assert words.read(["seed=1", "+seed=1", "export=gguf", "export=[gguf]"]).faults == []


def test_what_is_given_twice_is_told_beside_all_other_faults() -> None:
    with pytest.raises(ConfigError) as caught:
        compose(["export=gguf", "export=vllm", "peft.r=x", "lora_alpha=3"])
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("group", ["export=[gguf,gguf]", "eval=[qa,perplexity,qa]"])
def test_an_option_is_named_once(group: str) -> None:
    (fault,) = words.read([group]).faults
    assert "is named twice; write " in fault


def test_a_sweep_does_not_take_the_last_of_two_spaces() -> None:
    with pytest.raises(ConfigError, match=r"peft.r: is given twice, .*4,8 and 16"):
        line.sort(["peft.r=4,8", "peft.r=16"])


def test_a_recipe_chooses_a_group_once_and_an_option_once(recipe: Write, cli: Cli) -> None:
    recipe(
        "twice",
        "defaults:\n- override /export: [merged, merged]\n- override /peft: lora\n"
        "- override /peft: dora\nseed: 1\nseed: 2\n",
    )
    told = cli("plan", "+recipe=twice").err
    assert "line 2: export=[merged,merged]: merged is named twice" in told
    assert "line 4: defaults: peft is chosen twice" in told
    assert "line 6: seed is given twice" in told
