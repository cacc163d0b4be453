"""A recipe's text is data: what could be code, or reach beyond our keys, is a fault."""

from pathlib import Path

import pytest

from ftrecipe.door.vet import LARGEST, Recipe, read
from ftrecipe.errors import ConfigError


def vetted(folder: Path, text: str | bytes) -> Recipe:
    file = folder / "x.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read("x", file)


def faults(folder: Path, text: str | bytes) -> list[str]:
    try:
        return vetted(folder, text).faults
    except ConfigError as error:
        return error.faults


HOSTILE = {
    "hydra: {run: {dir: /tmp}}": "hydra's own keys",
    "peft: {_target_: os.system}": "data, never code",
    "trainer: {extra: {a: [{_target_: os.system}]}}": "data, never code",
    "seed: ${oc.env:HOME}": "resolvers",
    "runs_dir: ${seed}${oc.env:HOME}": "resolvers",
    "trainer: {extra: {a: ['${oc.env:HOME}']}}": "resolvers",
    "description: ${a.${oc.env:HOME}}": "resolvers",
    "consent: {remote_code: true}": "command line, never in a recipe",
    "seed: &a 3": "anchors",
    "seed: 3\ntrainer: {max_steps: *a}": "anchors",
    "seed: !!python/object/apply:os.system ['true']": "no tags",
    "peft: !lora {r: 3}": "no tags",
    "!!python/name:os.system : 3": "no tags",
    "peft: {r: 3, r: 4}": "line 1: peft.r is given twice",
    "seed: 1\nseed: 2": "line 2: seed is given twice",
    "trainer: {extra: {a: [{b: 1, b: 2}]}}": "given twice",
    "? [a, b]\n: 1": "a key is one word",
    "sead: 3": "did you mean seed?",
    "seed: 0x_": "seed: 0x_ is not a value",
    f"seed: {'1' * 5000}": "is not a value",
    "seed: =": "is not a value",
    "": "one mapping",
    "- seed": "one mapping",
    "just text": "one mapping",
    "seed: 1\n---\nseed: 2": "one mapping",
    "seed: [1": "not valid YAML",
    "seed: \x00": "control character U+0000",
    'description: "\\e[2J"': "line 1: holds the control character U+001B",
    "seed: 1  # \u202e": "control character U+202E",
    "description: oc.env\nseed: ${${description}:HOME}": "resolvers",
    "seed: ${oc.${description}:HOME}": "resolvers",
    "seed: ${.peft.r}": "resolvers",
    "trainer: " + "[" * 3000: "nested deeper",
    "defaults: {a: b}": "defaults is a list",
    "defaults: [hydra/launcher: joblib]": "may hold",
    "defaults: [override /hydra/launcher: joblib]": "may hold",
    "defaults: [peft: lora]": "may hold",
    "defaults: [override /peft@model: lora]": "may hold",
    "defaults: [5: 5]": "may hold",
    "defaults: ['${oc.env:HOME}']": "resolvers",
    "defaults: [/recipe/../x]": "not the name of a recipe",
    "defaults: [/recipe//etc/x]": "not the name of a recipe",
    "defaults: [/recipe/file.2f6574632f78]": "not the name of a recipe",
    "defaults: [/recipe: ../x]": "not the name of a recipe",
    "defaults: [override /peft: lorra]": "did you mean lora?",
    "defaults: [override /peft: [lora, dora]]": "is not an option",
    "defaults: [override /peft: null]": "is not an option",
    "dataset: {path: 'recipe:../secret.csv'}": "outside the recipe's folder",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_recipe_is_refused(text: str, tmp_path: Path) -> None:
    found = faults(tmp_path, text)
    assert found
    assert any(HOSTILE[text] in fault for fault in found), found


def test_a_recipe_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    assert "is not UTF-8" in faults(tmp_path, b"description: \xff\xfe")[0]


def test_an_oversized_recipe_is_refused(tmp_path: Path) -> None:
    assert "no recipe" in faults(tmp_path, "#" * (LARGEST + 1))[0]


def test_a_folder_named_like_a_recipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "y.yaml").mkdir()
    with pytest.raises(ConfigError, match="there is no such file"):
        read("y", tmp_path / "y.yaml")


def test_faults_name_file_and_line(tmp_path: Path) -> None:
    text = "# a\nseed: 1\nsead: 2\npeft:\n  r: ${oc.env:X}\n"
    file = tmp_path / "x.yaml"
    assert [fault.split(":")[0] for fault in faults(tmp_path, text)] == [
        f"{file} line 3",
        f"{file} line 5",
    ]


def test_all_faults_of_a_recipe_come_together(tmp_path: Path) -> None:
    text = "defaults: [override /peft: lorra]\nsead: 1\nconsent: {}\nseed: ${a:b}\n"
    assert len(faults(tmp_path, text)) == 4


def test_a_faulty_choice_makes_its_group_unsure(tmp_path: Path) -> None:
    assert vetted(tmp_path, "defaults: [override /peft: lorra]").unsure == {"peft"}


def test_a_value_knows_its_line(tmp_path: Path) -> None:
    text = "seed: 1\npeft:\n  r: 4\n  alpha: 8\n"
    lines = [one.source.split()[-1] for one in vetted(tmp_path, text).settings]
    assert lines == ["1", "3", "4"]


def test_learning_rates_in_scientific_notation_are_numbers(tmp_path: Path) -> None:
    assert vetted(tmp_path, "trainer: {learning_rate: 1e-4}").settings[0].value == 1e-4


def test_a_value_remembers_how_it_was_written(tmp_path: Path) -> None:
    assert vetted(tmp_path, "model: {revision: 123e456}").settings[0].written == "123e456"


def test_plain_interpolation_is_allowed(tmp_path: Path) -> None:
    assert faults(tmp_path, "trainer: {save_steps: '${seed}'}") == []


def test_an_escaped_resolver_is_just_text(tmp_path: Path) -> None:
    assert faults(tmp_path, r"dataset: {system: 'cost \${a:b}'}") == []


def test_an_empty_mapping_sets_nothing_wrong(tmp_path: Path) -> None:
    assert faults(tmp_path, "peft: {}\ntrainer:\neval: {}\nexport: {}\n") == []


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    assert faults(tmp_path, b"\xef\xbb\xbfseed: 1\n") == []


def test_a_file_beside_the_recipe_is_found_from_anywhere(tmp_path: Path) -> None:
    recipe = vetted(tmp_path, "dataset: {path: 'recipe:data.csv'}")
    assert recipe.settings[0].value == str(tmp_path / "data.csv")


def test_choosing_nothing_of_many_is_an_empty_list(tmp_path: Path) -> None:
    assert vetted(tmp_path, "defaults: [override /eval: null]").choices == {"eval": []}


def test_one_option_of_many_is_a_list_of_one(tmp_path: Path) -> None:
    assert vetted(tmp_path, "defaults: [override /eval: qa]").choices == {"eval": ["qa"]}


def test_the_description_is_read(tmp_path: Path) -> None:
    assert vetted(tmp_path, "description: A test\n").description == "A test"


@pytest.mark.parametrize("needs", [">=99", "<0.1", "==0.0.1"])
def test_a_recipe_of_other_versions_has_no_other_fault(needs: str, tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, f"sead: 1\nftrecipe: '{needs}'\npeft: {{_target_: x}}\n")
    assert f"line 2: recipe x needs ftrecipe {needs} and this is " in fault


@pytest.mark.parametrize("needs", [">=0.1", ">=0.0.1,<99", "!=0.0.1"])
def test_a_recipe_of_this_version_is_read(needs: str, tmp_path: Path) -> None:
    recipe = vetted(tmp_path, f"seed: 1\nftrecipe: '{needs}'\n")
    assert (recipe.faults, recipe.needs) == ([], needs)
    assert [one.key for one in recipe.settings] == ["seed"]


@pytest.mark.parametrize("needs", ["soon", "", "0.2", "[1]", "null"])
def test_a_range_that_is_none_is_told(needs: str, tmp_path: Path) -> None:
    assert "ftrecipe is a range of versions" in faults(tmp_path, f"ftrecipe: {needs}\n")[0]


def test_what_is_expected_is_read_as_words(tmp_path: Path) -> None:
    recipe = vetted(tmp_path, "expected: {result: 'F1 0.98', time: 4 minutes}\n")
    assert recipe.expected == {"result": "F1 0.98", "time": "4 minutes"}
    assert recipe.settings == []


EXPECTED = {
    "expected: fast": "has result, time below it",
    "expected: {tim: 3}": "did you mean time?",
    "expected: {time: [1]}": "is a few words",
    "expected: {time: 1, time: 2}": "given twice",
}


@pytest.mark.parametrize("text", EXPECTED)
def test_what_is_wrongly_expected_is_told(text: str, tmp_path: Path) -> None:
    assert EXPECTED[text] in faults(tmp_path, text)[0]


def test_a_description_is_one_line(tmp_path: Path) -> None:
    assert vetted(tmp_path, "description: |\n  Two\n  lines\n").description == "Two lines"


def test_a_choice_knows_its_line(tmp_path: Path) -> None:
    recipe = vetted(tmp_path, "defaults:\n  - override /peft: lora\n")
    assert recipe.places == {"peft": f"{tmp_path / 'x.yaml'} line 2"}
