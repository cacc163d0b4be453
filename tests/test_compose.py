"""Composing: every layer in its order, every fault in one list, and Hydra's own words never."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from ftrecipe.compose import Composition, compose, composed_by_hydra, options_tree
from ftrecipe.errors import ConfigError

Write = Callable[[str, str], Path]


def faults(*line: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        compose(list(line))
    return caught.value.faults


def composed(*line: str) -> Composition:
    return compose(list(line))


def test_the_default_needs_no_more_than_data(faq: str) -> None:
    run = composed(f"dataset={faq}").run
    assert run.model.path == "builtin:tiny"
    assert run.hardware.device.value == "auto"


def test_the_faults_of_words_choices_recipe_and_values_come_in_one_list(
    faq: str, recipe: Write
) -> None:
    recipe("x", "defaults:\n  - override /hardware: gpuu\npeft:\n  rr: 4\nsead: 1\n")
    found = faults("+recipe=x", "quantization=nf5", "trainer.learning_rate=fast", "bar", "eval=qaa")
    assert [fault.split(":")[0] for fault in found] == [
        "recipes/x.yaml line 2",
        "recipes/x.yaml line 5",
        "quantization=nf5 is not an option; did you mean nf4? (known",
        "bar",
        "eval=qaa is not an option; did you mean qa? (known",
        "recipes/x.yaml line 4",
        "trainer.learning_rate=fast",
    ]


def test_nothing_is_said_about_values_of_an_option_misspelt(faq: str) -> None:
    assert len(faults("peft=freeez", "peft.last_layers=2")) == 1


def test_a_missing_recipe_hides_no_unknown_key(here: Path) -> None:
    found = faults("+recipe=quickstrat", "foo=1", "peft.last_layers=2")
    assert len(found) == 2
    assert found[0].startswith("recipe=quickstrat: there is no such recipe")
    assert found[1].startswith("foo: there is no such key")


def test_the_command_line_wins_over_a_recipe_and_a_recipe_over_what_it_extends(
    faq: str, recipe: Write
) -> None:
    recipe(
        "base",
        "defaults: [override /peft: dora, override /quantization: nf4, override /eval: [qa]]\n"
        "peft: {r: 2, alpha: 2, dropout: 0.2}\n",
    )
    recipe(
        "leaf", "defaults: [/recipe/base, override /peft: rslora]\npeft: {alpha: 4, dropout: 0.4}"
    )
    made = composed("+recipe=leaf", "quantization=none", "peft.dropout=0.6", f"dataset={faq}")
    chosen = {key: made.choices[key] for key in ("peft", "quantization", "eval")}
    assert chosen == {"peft": "rslora", "quantization": "none", "eval": ["qa"]}
    assert made.differences["peft"] == {"r": 2, "alpha": 4, "dropout": 0.6}


def test_the_last_of_two_parents_wins_in_choices_and_values(faq: str, recipe: Write) -> None:
    recipe("left", "defaults: [override /peft: dora]\nseed: 1")
    recipe("right", "defaults: [override /peft: rslora]\nseed: 2")
    recipe("leaf", "defaults: [/recipe/left, /recipe/right]")
    made = composed("+recipe=leaf", f"dataset={faq}")
    assert (made.choices["peft"], made.run.seed) == ("rslora", 2)


def test_values_of_an_option_that_was_replaced_are_left_out(faq: str, recipe: Write) -> None:
    recipe(
        "x",
        "defaults: [override /peft: freeze, override /eval: [qa, generation]]\n"
        "peft: {last_layers: 4}\neval: {generation: {max_samples: 3}}\n",
    )
    made = composed("+recipe=x", "peft=lora", "eval=[]", f"dataset={faq}")
    assert "peft" not in made.differences
    assert made.run.eval == {}


def test_a_typo_in_a_recipe_stays_a_fault_where_its_option_was_replaced(
    faq: str, recipe: Write
) -> None:
    recipe("x", "defaults: [override /peft: freeze]\npeft: {last_layer: 4}\n")
    assert "peft.last_layer" in faults("+recipe=x", "peft=lora", f"dataset={faq}")[0]


def test_a_dataset_file_replaces_all_files_of_a_recipe(faq: str) -> None:
    dataset = composed("+recipe=quickstart", f"dataset={faq}").run.dataset
    assert (dataset.path, dataset.validation_path, dataset.test_path) == (faq, None, None)


def test_a_recipe_is_taken_by_its_path(faq: str, here: Path) -> None:
    file = here / "a b, [c]=d.yaml"
    file.write_text("seed: 7")
    assert composed(f"+recipe=./{file.name}", f"dataset={faq}").run.seed == 7


def test_a_recipe_takes_other_values_by_plain_interpolation(faq: str, recipe: Write) -> None:
    recipe("x", "seed: 7\ntrainer: {save_steps: '${seed}'}")
    assert composed("+recipe=x", f"dataset={faq}").run.trainer.save_steps == 7


def test_a_recipe_finds_the_data_beside_it(
    here: Path, recipe: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = recipe("x", "dataset: {path: 'recipe:data.csv'}")
    (file.parent / "data.csv").write_text("question,answer\na,b\n")
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert composed(f"recipe={file}").run.dataset.path == str(file.parent / "data.csv")


def test_a_name_in_any_script_composes(faq: str, recipe: Write) -> None:
    recipe("team_ü/日本", "seed: 7")
    assert composed("+recipe=team_ü/日本", f"dataset={faq}").run.seed == 7


def test_text_with_commas_brackets_and_colons_is_taken_as_it_is(faq: str) -> None:
    system = 'You are a helpful, honest bot: say "hi"'
    template = "{question} [x] (y), z costs ${price}"
    made = composed(f"dataset={faq}", f"dataset.system={system}", f"dataset.template={template}")
    assert (made.run.dataset.system, made.run.dataset.template) == (system, template)


def test_contradictory_choices_are_refused_with_what_to_do(faq: str) -> None:
    (fault,) = faults("peft=full", "quantization=nf4", f"dataset={faq}")
    assert "use peft=lora, or quantization=none" in fault


def test_other_data_is_not_tested_on_the_held_out_files_of_a_recipe(faq: str) -> None:
    dataset = composed("recipe=quickstart", f"dataset.path={faq}").run.dataset
    assert (dataset.path, dataset.validation_path, dataset.test_path) == (faq, None, None)


def test_held_out_files_named_with_the_data_are_kept(faq: str) -> None:
    words = [f"dataset.test_path={faq}", f"dataset.path={faq}"]
    dataset = composed("recipe=quickstart", *words).run.dataset
    assert (dataset.validation_path, dataset.test_path) == (None, faq)


def test_an_option_that_a_package_adds_can_be_chosen(faq: str, monkeypatch) -> None:
    from dataclasses import dataclass

    from ftrecipe import compose as composing
    from ftrecipe import config
    from ftrecipe.components.hardware import GROUP, Device, Hardware

    @dataclass
    class Abacus(Hardware):
        device: Device = Device.cpu

    monkeypatch.setitem(GROUP.classes, "abacus", Abacus)
    for cached in (config.options, config.register, composing.options_tree):
        cached.cache_clear()
    assert type(composed(f"dataset={faq}", "hardware=abacus").run.hardware) is Abacus
    config.options.cache_clear()


def test_all_rules_speak_together(here: Path) -> None:
    found = faults(
        "peft=full", "quantization=nf4", "export=adapter", "model.path=./nope", "dataset=alpaca"
    )  # fmt: skip
    assert len(found) == 4


def test_a_missing_model_folder_is_found_before_anything_runs(faq: str, here: Path) -> None:
    (here / "smol").mkdir()
    (fault,) = faults("model=./smoll", f"dataset={faq}")
    assert fault.startswith("model.path=./smoll: there is no such folder")
    assert "did you mean smol?" in fault


def test_a_missing_run_to_go_on_from_is_found_before_anything_runs(faq: str) -> None:
    (fault,) = faults("model.from_run=runs/nope", f"dataset={faq}")
    assert fault == "model.from_run=runs/nope: is not the folder of a run that was trained"


def test_a_missing_data_file_is_found_before_anything_runs(faq: str) -> None:
    (fault,) = faults("dataset.path=fag.csv")
    assert "did you mean faq.csv?" in fault


@pytest.mark.parametrize(
    "text", ["peft: {_target_: os.system}", "seed: ${oc.env:HOME}", "hydra: {job: {chdir: true}}"]
)
def test_a_hostile_recipe_is_refused_before_hydra_sees_it(
    text: str, here: Path, recipe: Write
) -> None:
    recipe("x", text)
    assert faults("+recipe=x")[0].startswith("recipes/x.yaml line 1: ")


def test_contradictions_come_in_one_list_with_unknown_keys(faq: str) -> None:
    found = faults("peft=full", "quantization=nf4", "trainer.lr=1", "sead=1", f"dataset={faq}")
    assert [fault.split(":")[0] for fault in found] == [
        "trainer.lr",
        "sead",
        "peft=full and quantization=nf4",
    ]


def test_no_rule_is_asked_about_what_is_faulty_already(faq: str) -> None:
    assert len(faults("peft=full", "quantization=nf5", f"dataset={faq}")) == 1
    assert len(faults("peft=full", "quantization=nf4", "peft.rank=8", f"dataset={faq}")) == 1
    assert len(faults("+recipe=nope", "peft=full", "quantization=nf4")) == 1


def test_a_contradiction_in_a_recipe_names_the_line_of_the_choice(faq: str, recipe: Write) -> None:
    recipe("x", "defaults:\n  - override /quantization: nf4\n  - override /peft: full\n")
    (fault,) = faults("+recipe=x", f"dataset={faq}")
    assert fault.startswith("recipes/x.yaml line 3: peft=full and quantization=nf4: ")


def test_a_broken_rule_in_a_recipe_names_the_line_of_the_value(faq: str, recipe: Write) -> None:
    recipe("x", "seed: 1\ntrainer:\n  extra:\n    neftune_alpha: 3\nobjective: tuned.qa.f2\n")
    assert [fault.split(": ")[0] for fault in faults("+recipe=x", f"dataset={faq}")] == [
        "recipes/x.yaml line 4",
        "recipes/x.yaml line 5",
    ]


def test_a_value_out_of_bounds_names_its_line(faq: str, recipe: Write) -> None:
    recipe("x", "peft:\n  r: 0\n  dropout: 5\n")
    assert faults("+recipe=x", "trainer.learning_rate=2", f"dataset={faq}") == [
        "recipes/x.yaml line 2: peft.r=0: must be at least 1",
        "recipes/x.yaml line 3: peft.dropout=5: must be at most 0.99",
        "trainer.learning_rate=2: must be at most 1",
    ]


def test_a_value_of_the_command_line_hides_the_line_that_it_replaces(
    faq: str, recipe: Write
) -> None:
    recipe("x", "objective: tuned.qa.f1\n")
    (fault,) = faults("+recipe=x", "objective=tuned.qa.f2", f"dataset={faq}")
    assert fault.startswith("objective=tuned.qa.f2: ")


TAKEN = {
    "seed=${nowhere}": "seed: there is no nowhere to take a value from",
    "seed=${sede}": "did you mean seed?",
    "peft.r=${peft.alhpa}": "did you mean peft.alpha?",
    "seed=${seed}": "takes its own value",
    "peft.r=${dataset.path}": "must be a whole number, and ${dataset.path} is not",
    "seed=${peft}": "must be a whole number, and ${peft} is not",
    "trainer.lr_scheduler_type=${seed}": "must be one of its choices, and ${seed} is not",
    "trainer.extra={lr_scheduler_kwargs: {a: '${nowhere}'}}": "there is no nowhere",
    "peft.r=${oc.env:HOME}": "resolvers",
    "peft.r=${${dataset.hub_split}:x}": "resolvers",
    "peft.r=${peft..r}": "resolvers",
    "peft.r=${": "resolvers",
}


@pytest.mark.parametrize("word", TAKEN)
def test_what_cannot_be_taken_from_another_key_is_told(word: str, faq: str) -> None:
    (fault,) = faults(word, f"dataset={faq}")
    assert TAKEN[word] in fault


def test_a_value_taken_from_another_key_is_within_bounds_too(faq: str, recipe: Write) -> None:
    recipe("x", "peft: {dropout: '${seed}'}\n")
    (fault,) = faults("+recipe=x", f"dataset={faq}")
    assert fault == "recipes/x.yaml line 1: peft.dropout=42.0: must be at most 0.99"


def test_a_parent_of_another_version_is_told_for_its_child(faq: str, recipe: Write) -> None:
    recipe("base", "ftrecipe: '>=99'\nsead: 1\n")
    recipe("leaf", "defaults: [/recipe/base]\n")
    (fault,) = faults("+recipe=leaf", f"dataset={faq}")
    assert "recipe base needs ftrecipe >=99" in fault


def test_a_fault_of_values_typed_on_the_line_is_not_put_on_the_recipe(
    faq: str, recipe: Write
) -> None:
    recipe("x", "defaults: [override /dataset: question_answer]\n")
    (fault,) = faults("+recipe=x", f"dataset.path={faq}", "dataset.split.test=0.9")
    assert fault.startswith("dataset.split must add up to 1")


def test_a_file_out_of_reach_is_one_fault_that_says_what_to_type(recipe: Write) -> None:
    recipe("x", "dataset: {path: /etc/hostname}\n")
    (fault,) = faults("+recipe=x")
    assert "name it on the command line: dataset.path=/etc/hostname;" in fault


def test_a_file_out_of_reach_is_not_looked_at(recipe: Write) -> None:
    recipe("x", "model: {path: /etc}\n")
    (fault,) = faults("+recipe=x")
    assert fault.startswith("recipes/x.yaml line 1: model.path=/etc: is outside")


def test_a_secret_left_out_is_not_asked_for_where_another_value_is_given(
    faq: str, recipe: Write
) -> None:
    recipe("x", "dataset: {system: 'password: [redacted]'}\n")
    run = composed("+recipe=x", f"dataset={faq}", "dataset.system=hello").run
    assert run.dataset.system == "hello"


@pytest.mark.parametrize("word", ["dataset.path=", "runs_dir=", "model.path= "])
def test_a_variable_of_the_shell_that_is_empty_names_no_folder(word: str, faq: str) -> None:
    (fault,) = faults(f"dataset={faq}", word)
    assert "says nothing; write " in fault


def test_an_adapter_without_a_target_is_refused(faq: str) -> None:
    (fault,) = faults(f"dataset={faq}", "peft.target_modules=[]")
    assert fault.startswith("peft.target_modules: is empty")


def test_a_model_that_is_no_option_is_answered_with_how_any_other_is_named(faq: str) -> None:
    (fault,) = faults(f"dataset={faq}", "model=gpt2")
    assert fault.endswith("any other model: model=<org>/<name> of the hub, or model=./<folder>")


def test_a_parent_that_lies_beside_its_child_is_told_how_it_is_found(
    faq: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("team")
    (folder / "parent.yaml").write_text("seed: 1\n")
    (folder / "child.yaml").write_text("defaults: [/recipe/parent]\n")
    (fault,) = faults(f"+recipe={folder / 'child.yaml'}", f"dataset={faq}")
    assert fault.endswith(f"it lies beside this one: export FTRECIPE_PATH={folder}")


def test_a_recipe_in_the_working_folder_is_answered_with_its_path(here: Path) -> None:
    Path("mine.yaml").write_text("seed: 1\n")
    assert "did you mean +recipe=./mine.yaml?" in faults("+recipe=mine")[0]


def test_a_key_is_meant_among_those_it_stands_beside(faq: str) -> None:
    (fault,) = faults(f"dataset={faq}", "eval.qa.max_tokens=3")
    assert "did you mean eval.qa.max_new_tokens?" in fault


def test_options_that_were_seen_before_make_the_tree_that_hydra_makes() -> None:
    first = ("peft=dora", "quantization=nf4", "eval=[qa]", "export=[adapter,gguf]")
    other = ("model=qwen3_8b", "dataset=alpaca", "hardware=gpu_8x80gb", "strategy=zero3")
    mixed = ("eval=[qa]", "peft=dora", *other)
    for seen in (first, other):
        options_tree(seen)
    (tree, choices), (expected, chosen) = options_tree(mixed), composed_by_hydra(mixed)
    assert choices == chosen
    assert OmegaConf.to_yaml(tree) == OmegaConf.to_yaml(expected)
    assert _typed(tree) == _typed(expected)


def _typed(node: Any) -> Any:
    """Return what a node says of itself, its flags and kinds, and all below it."""
    held = node._content if isinstance(node, DictConfig) else None
    below = {key: _typed(one) for key, one in held.items()} if isinstance(held, dict) else {}
    told = node._metadata
    return told.flags, told.ref_type, told.object_type, told.optional, below
