"""The table of recipes says what one is for, in columns that fit a page."""

from collections.abc import Callable
from pathlib import Path

from answers import Cli

Write = Callable[[str, str], Path]


def test_every_line_fits_100_characters_and_the_columns_are_aligned(cli: Cli) -> None:
    head, *lines = cli("recipes").out.splitlines()
    assert head.split() == ["recipe", "method", "model", "hardware", "expected", "time"]
    assert max(map(len, lines)) <= 100
    at = head.index("model")
    assert all(line[at - 1] == " " and line[at] != " " for line in lines)


def test_list_is_the_same_table(cli: Cli) -> None:
    assert cli("recipes", "list").out == cli("recipes").out


def test_a_long_name_leaves_room_for_the_rest(cli: Cli, recipe: Write) -> None:
    recipe("team_with_a_long_name/" + "x" * 90, "expected: {result: '" + "y" * 90 + "'}")
    said = cli("recipes")
    assert max(map(len, said.out.splitlines())) <= 100
    assert "not measured" in said.out


def test_what_was_measured_is_shown_and_what_was_not_is_said(cli: Cli, recipe: Write) -> None:
    recipe("x", 'expected: {result: EM 0 → 85 %, time: "1 min, 2 CPU"}')
    recipe("y", "defaults: [/recipe/x, override /peft: dora, override /quantization: nf4]")
    lines = {line.split()[0]: line for line in cli("recipes").out.splitlines()}
    assert "EM 0 → 85 %" in lines["x"]
    assert lines["x"].endswith("1 min, 2 CPU")
    assert "dora+nf4" in lines["y"]
    assert lines["y"].endswith("not measured")


def test_a_model_in_a_folder_or_on_the_hub_is_shown_by_its_own_name(
    cli: Cli, recipe: Write
) -> None:
    recipe("x", "defaults: [override /model: custom]\nmodel: {path: org/some-model}")
    lines = {line.split()[0]: line for line in cli("recipes").out.splitlines()}
    assert "some-model" in lines["x"]


def test_show_says_what_a_recipe_extends_and_what_it_changes(cli: Cli) -> None:
    said = cli("recipes", "show", "qlora_llama3_1_8b")
    assert "extends   qlora_llama3_1_8b → qlora_mistral" in said.out
    assert "chooses   " in said.out
    assert "quantization=nf4" in said.out
    assert "trainer.max_length=2048" in said.out
