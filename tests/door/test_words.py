"""What a person typed: file names and texts are taken as they are, and habits are understood."""

from pathlib import Path

import pytest

from ftrecipe.door import words
from ftrecipe.door.words import Asked

NAMES = [
    "a b.csv", "it's.csv", 'say "hi".csv', "a,b.csv", "[x].csv", "(x).csv", "{x}.csv", "a=b.csv",
    "a&b.csv", "a;b|c.csv", "😀.csv", "日本 ü.csv", "a\\b.csv", "# x.csv", "-m.csv", "+a.csv",
    "null.csv", "$x.csv", "${x}.csv", "a:b.csv", "a@b.csv", "*.csv", "'q'.csv", "new\nline.csv",
    "50%.csv", "!.csv", "<x>.csv",
]  # fmt: skip


def asked(*line: str) -> Asked:
    found = words.read(list(line))
    assert found.faults == []
    return found


def faults(*line: str) -> list[str]:
    return words.read(list(line)).faults


def values(found: Asked) -> dict[str, object]:
    return {setting.key: setting.value for setting in found.settings}


@pytest.mark.parametrize("name", [*NAMES, "~t.csv"])
def test_any_file_name_is_a_dataset(name: str, here: Path) -> None:
    (here / name).write_text("question,answer\na,b\n", "utf-8")
    found = asked(f"dataset={name}")
    assert found.choices == {"dataset": "question_answer"}
    assert found.settings[0].text == name


@pytest.mark.parametrize("name", [*NAMES, "~t.csv"])
@pytest.mark.parametrize("key", ["dataset.path", "model.path", "runs_dir", "eval.forgetting.path"])
def test_any_file_name_is_a_value_of_a_text_field(name: str, key: str, here: Path) -> None:
    found = asked(f"{key}={name}").settings[0]
    assert words.literal(name) == found.value
    assert found.text == name


@pytest.mark.parametrize("name", ["my model", "m,o[d]e=l", "./a, b", "モデル"])
def test_any_folder_name_is_a_model(name: str, here: Path) -> None:
    (here / name).mkdir()
    found = asked(f"model={name}")
    assert found.choices == {"model": "custom"}
    assert values(found) == {"model.path": name}


@pytest.mark.parametrize("text", ["org/name", "./folder", "~/folder", "/a/b/c", "a/b/c", "nope/"])
def test_a_hub_id_or_path_is_a_custom_model(text: str, here: Path) -> None:
    found = asked(f"model={text}")
    assert found.choices == {"model": "custom"}
    assert values(found) == {"model.path": text}


@pytest.mark.parametrize(
    ("tag", "hub_id"),
    [
        ("mistral:7b-instruct-q4_0", "mistralai/Mistral-7B-Instruct-v0.3"),
        ("llama3.2:1b", "meta-llama/Llama-3.2-1B-Instruct"),
    ],
)
def test_an_ollama_tag_is_answered_with_the_hub_id(tag: str, hub_id: str, here: Path) -> None:
    (fault,) = faults(f"model={tag}")
    assert "is an Ollama tag" in fault
    assert fault.endswith(f"model={hub_id}")


def test_an_unknown_ollama_tag_asks_for_the_hub_id(here: Path) -> None:
    assert "give the hub id (org/name)" in faults("model=foo:7b")[0]


def test_a_model_that_is_none_is_answered_with_the_nearest(here: Path) -> None:
    assert "did you mean tiny?" in faults("model=tinny")[0]


@pytest.mark.parametrize(
    ("header", "format_name"),
    [
        ("question,answer", "question_answer"),
        ("instruction,output", "alpaca"),
        ("prompt,completion", "prompt_completion"),
    ],
)
def test_a_dataset_file_is_read_for_its_format(header: str, format_name: str, here: Path) -> None:
    (here / "x.csv").write_text(f"{header}\na,b\n")
    assert asked("dataset=x.csv").choices == {"dataset": format_name}


def test_a_dataset_file_is_its_format_and_its_path(here: Path) -> None:
    (here / "x.csv").write_text("question,answer\na,b\n")
    said = asked("dataset.test_path=t.csv", "dataset=x.csv")
    assert said.choices == {"dataset": "question_answer"}
    assert values(said) == {"dataset.path": "x.csv", "dataset.test_path": "t.csv"}


def test_a_packaged_dataset_is_understood(here: Path) -> None:
    assert asked("dataset=builtin:faq/train.jsonl").choices == {"dataset": "question_answer"}


def test_a_missing_dataset_file_is_answered_with_the_nearest(here: Path) -> None:
    (here / "faq.csv").write_text("question,answer\na,b\n")
    (fault,) = faults("dataset=fag.csv")
    assert "does not exist; did you mean faq.csv?" in fault


def test_a_misspelt_format_is_answered_with_the_nearest(here: Path) -> None:
    assert "did you mean alpaca?" in faults("dataset=alpacca")[0]


def test_a_hub_dataset_must_say_its_format(here: Path) -> None:
    (fault,) = faults("dataset=org/name")
    assert "dataset.path=org/name" in fault


@pytest.mark.parametrize("word", ["recipe=x", "+recipe=x", "++recipe=x"])
def test_a_recipe_is_asked_for_with_or_without_plus(word: str) -> None:
    assert asked(word).recipe == "x"


def test_two_recipes_are_refused() -> None:
    assert "one recipe at a time" in faults("recipe=x", "recipe=y")[0]


def test_a_recipe_file_is_taken_by_its_path(here: Path) -> None:
    (here / "a b, c.yaml").write_text("seed: 1")
    from ftrecipe.door.recipes import given_file

    assert given_file(str(asked("+recipe=./a b, c.yaml").recipe)) == here / "a b, c.yaml"


def test_a_recipe_name_with_an_ending_is_answered_with_the_recipe(here: Path) -> None:
    assert "did you mean +recipe=quickstart?" in faults("+recipe=quickstart.yaml")[0]


@pytest.mark.parametrize(
    ("word", "chosen"),
    [
        ("eval=[perplexity,qa]", ["perplexity", "qa"]),
        ("eval=[]", []),
        ("eval=null", []),
        ("eval=qa", ["qa"]),
        ("+eval=[qa]", ["qa"]),
        ("export=[adapter,merged]", ["adapter", "merged"]),
    ],
)
def test_groups_of_many_take_one_several_or_none(word: str, chosen: list[str]) -> None:
    key = word.partition("=")[0].lstrip("+")
    assert asked(word).choices == {key: chosen}


@pytest.mark.parametrize("word", ["peft=[lora,dora]", "peft=null", "peft={r: 4}"])
def test_other_groups_take_exactly_one(word: str) -> None:
    assert "takes exactly one of" in faults(word)[0]


@pytest.mark.parametrize(
    "word", ["peft.r=4,8", "peft=lora,dora", "seed=range(1,3)", "seed=choice(1,2)", "recipe=a,b"]
)
def test_several_values_are_a_sweep(word: str) -> None:
    assert "add -m to sweep" in faults(word)[0]


@pytest.mark.parametrize("word", ["eval=qa,perplexity", "peft.target_modules=q_proj,v_proj"])
def test_several_values_of_a_list_are_answered_with_the_list_too(word: str) -> None:
    key, _, text = word.partition("=")
    assert faults(word)[0].endswith(f"{key}=[{text}]")


def test_brackets_that_do_not_close_are_told() -> None:
    assert "the brackets cannot be read" in faults("peft.target_modules=[q_proj")[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a b.csv'", "a b.csv"),
        ('"a b.csv"', "a b.csv"),
        ('"Yes" or "no"', '"Yes" or "no"'),
        ("'", "'"),
        ("null", None),
        ("'null'", "null"),
    ],
)
def test_only_quotes_around_the_whole_text_are_taken_off(text: str, value: str | None) -> None:
    assert words.value("dataset.system", text) == value


@pytest.mark.parametrize("word", ["", "=", "=3", "+", "++=1", ".=3"])
def test_a_word_without_a_key_is_refused(word: str) -> None:
    assert "configuration is written key=value" in faults(word)[0]


@pytest.mark.parametrize("word", ["peft=", "eval=", "recipe=", "model=", "dataset="])
def test_an_empty_choice_says_what_there_is(word: str) -> None:
    assert "says nothing; write" in faults(word)[0]


def test_a_recipe_without_its_key_is_answered_with_it(here: Path) -> None:
    assert faults("quickstart")[0].endswith("for the recipe, +recipe=quickstart")


def test_a_file_without_its_key_is_answered_with_it(here: Path) -> None:
    (here / "a b.json").write_text("[]")
    assert faults("a b.json")[0].endswith("for the data, 'dataset=a b.json'")


@pytest.mark.parametrize("word", ["~peft", "~trainer.max_length=3"])
def test_nothing_can_be_deleted(word: str) -> None:
    assert "nothing can be deleted" in faults(word)[0]


def test_all_faults_come_together() -> None:
    assert len(faults("peft=lorra", "bar", "~x", "seed=1,2")) == 4
