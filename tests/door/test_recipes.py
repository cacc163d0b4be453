"""The door: where recipes are found, and in which order one extends another."""

import os
from collections.abc import Callable
from pathlib import Path

import hydra
import pytest
from hydra import initialize_config_dir

from ftrecipe.compose import prepare_hydra
from ftrecipe.config import packaged
from ftrecipe.door import recipes
from ftrecipe.errors import ConfigError

Write = Callable[[str, str], Path]


def test_packaged_recipes_are_found_from_an_empty_folder(here: Path) -> None:
    assert "quickstart" in recipes.names()


def test_own_recipes_hide_packaged_ones(here: Path, recipe: Write) -> None:
    recipe("quickstart", "description: mine")
    assert recipes.load("quickstart").description == "mine"


def test_folders_of_ftrecipe_path_are_searched(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (here / name).mkdir()
        (here / name / f"{name}.yaml").write_text(f"description: {name}")
    monkeypatch.setenv("FTRECIPE_PATH", os.pathsep.join(["one", "", str(here / "two")]))
    assert [recipes.load(name).description for name in ("one", "two")] == ["one", "two"]


def test_a_team_keeps_its_recipes_in_a_folder(here: Path, recipe: Write) -> None:
    recipe("team_a/x", "seed: 3")
    assert "team_a/x" in recipes.names()
    assert recipes.load("team_a/x").settings[0].value == 3


def test_a_name_may_be_written_in_any_script(here: Path, recipe: Write) -> None:
    recipe("übung/日本", "seed: 3")
    assert recipes.load("übung/日本").settings


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "file.zz", "file.abc", "x" * 400])
def test_a_name_that_climbs_or_is_none_finds_nothing(name: str, here: Path) -> None:
    (here.parent / "x.yaml").write_text("seed: 1")
    with pytest.raises(ConfigError, match="there is no such recipe"):
        recipes.find(name)


def test_a_near_miss_is_answered_with_the_name_meant(here: Path) -> None:
    with pytest.raises(ConfigError, match=r"did you mean quickstart\?"):
        recipes.find("quickstrat")


def test_a_link_that_leads_out_of_the_recipes_is_no_recipe(here: Path, recipe: Write) -> None:
    recipe("x", "seed: 1")
    (here / "secret.yaml").write_text("seed: 2")
    (here / "recipes" / "y.yaml").symlink_to(here / "secret.yaml")
    assert "y" not in recipes.names()
    with pytest.raises(ConfigError, match="no such recipe"):
        recipes.find("y")


def test_a_folder_named_like_a_recipe_is_not_listed(here: Path) -> None:
    (here / "recipes" / "x.yaml").mkdir(parents=True)
    assert "x" not in recipes.names()


def test_a_recipe_changed_on_disk_is_read_again(here: Path, recipe: Write) -> None:
    recipe("x", "seed: 1")
    recipes.load("x")
    recipe("x", "seed: 2")
    assert recipes.load("x").settings[0].value == 2


def test_the_most_general_recipe_comes_first(here: Path, recipe: Write) -> None:
    recipe("base", "seed: 1")
    recipe("middle", "defaults: [/recipe/base]")
    recipe("leaf", "defaults: [/recipe: middle]")
    assert [one.name for one in recipes.lineage("leaf")] == ["base", "middle", "leaf"]


def test_a_recipe_extended_twice_comes_once(here: Path, recipe: Write) -> None:
    recipe("base", "seed: 1")
    recipe("left", "defaults: [/recipe/base]")
    recipe("right", "defaults: [/recipe/base]")
    recipe("leaf", "defaults: [/recipe/left, /recipe/right]")
    assert [one.name for one in recipes.lineage("leaf")] == ["base", "left", "right", "leaf"]


def test_a_cycle_is_refused_with_its_path(here: Path, recipe: Write) -> None:
    recipe("a", "defaults: [/recipe/b]")
    recipe("b", "defaults: [/recipe/a]")
    faults = [fault for one in recipes.lineage("a") for fault in one.faults]
    assert len(faults) == 1
    assert "a → b → a" in faults[0]


def test_a_parent_that_is_missing_is_a_fault_of_the_file_that_names_it(
    here: Path, recipe: Write
) -> None:
    file = recipe("a", "defaults: [/recipe/quickstrat]")
    (fault,) = recipes.lineage("a")[-1].faults
    assert fault.startswith(f"{file.relative_to(here)}: ")
    assert "did you mean quickstart?" in fault


def test_a_file_keeps_its_path_through_hydra(here: Path) -> None:
    file = here / "a b, [ü]" / "x=y.yaml"
    assert recipes.given_file(recipes.file_name(file)) == file


def test_hydra_sees_only_the_choices_of_a_whole_lineage(here: Path, recipe: Write) -> None:
    recipe("base", "defaults: [override /peft: dora, override /model: custom]\nseed: 5")
    recipe("leaf", "defaults: [/recipe/base, override /peft: lora]\npeft: {r: 4}")
    result = recipes.RecipeSource("test", "recipe://").load_config("recipe/leaf")
    assert result.config == {
        "defaults": [{"override /peft": "lora"}, {"override /model": "custom"}]
    }
    assert result.header == {"package": "_global_"}


def test_hydra_is_given_nothing_of_a_faulty_recipe(here: Path, recipe: Write) -> None:
    recipe("x", "hydra: {run: {dir: /tmp}}")
    with pytest.raises(ConfigError, match="hydra's own keys"):
        recipes.RecipeSource("test", "recipe://").load_config("recipe/x")


def test_hydra_composes_a_recipe_through_the_door(here: Path, recipe: Write) -> None:
    recipe("base", "defaults: [override /peft: dora, override /eval: [qa]]\nseed: 5")
    recipe("leaf", "defaults: [/recipe/base, override /eval: []]\npeft: {r: 4}")
    prepare_hydra()
    with initialize_config_dir(str(packaged("conf")), version_base="1.3"):
        node = hydra.compose("config", ["+recipe=leaf"], return_hydra_config=True)
    assert node.hydra.runtime.choices["peft"] == "dora"
    assert list(node.eval) == []
    assert node.seed == 42  # values are set by us, typed, not by Hydra


def test_a_folder_that_comes_first_hides_all_others(here: Path, recipe: Write) -> None:
    recipe("x", "seed: 1")
    (here / "staged").mkdir()
    (here / "staged" / "x.yaml").write_text("defaults: [/recipe/base]\nseed: 2")
    (here / "staged" / "base.yaml").write_text("seed: 3")
    found = recipes.lineage("x", first=here / "staged")
    assert [one.settings[0].value for one in found] == [3, 2]
    assert recipes.load("x").settings[0].value == 1
