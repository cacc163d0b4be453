"""The front door: verbs, flags, exit codes, and what is printed where."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import ROOT, Cli

from ftrecipe import launch, plan, verbs
from ftrecipe.compose import compose
from ftrecipe.rundir import write_json

Write = Callable[[str, str], Path]
HYDRAS = ("Could not override", "To append to your config", "use +", "Traceback", "hydra.errors")


def test_no_words_print_what_to_do_next_and_train_nothing(cli: Cli, here: Path) -> None:
    said = cli()
    assert said.code == 0
    assert "+recipe=quickstart" in said.out
    assert all(verb in said.out for verb in verbs.NAMES)
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("verb", verbs.NAMES)
def test_every_verb_has_help_in_three_ways(verb: str, cli: Cli) -> None:
    said = [cli("help", verb), cli(verb, "--help"), cli(verb, "x=1", "-h")]
    assert [one.code for one in said] == [0, 0, 0]
    assert said[0].out == said[1].out == said[2].out != ""


def test_help_without_a_verb_is_about_running(cli: Cli) -> None:
    assert cli("+recipe=quickstart", "--help").out == cli("help", "run").out
    assert cli("--help").out == cli().out


@pytest.mark.parametrize("words", [["plam"], ["evaluat", "x"], ["help", "plam"], ["help", "zzz"]])
def test_a_verb_that_is_none_is_refused(words: list[str], cli: Cli) -> None:
    said = cli(*words)
    assert said.code == 2
    assert "is not a verb" in said.err


def test_a_misspelt_verb_is_answered_with_the_nearest(cli: Cli) -> None:
    assert "plam is not a verb; did you mean plan?" in cli("plam").err


@pytest.mark.parametrize("words", [["plan", "--jsn"], ["check", "-m"], ["--verbose", "seed=1"]])
def test_an_unknown_flag_is_refused(words: list[str], cli: Cli) -> None:
    said = cli(*words)
    assert said.code == 2
    assert "is not a flag here" in said.err


def test_faults_are_a_list_on_stderr_and_the_exit_code_is_2(cli: Cli) -> None:
    said = cli(
        "plan", "peft=lorra", "trainer.lerning_rate=1", "+foo.bar=2", "bar", "dataset.path=x"
    )
    assert said.code == 2
    assert said.out == ""
    assert len(said.faults) == 5
    assert all(line.startswith("error: ") for line in said.err.splitlines())
    assert not [text for text in HYDRAS if text in said.err]


@pytest.mark.parametrize("key", ["dataset", "dataset.path", "+recipe=./", "model=./"])
def test_a_text_where_a_file_is_wanted_is_refused(key: str, cli: Cli) -> None:
    word = f"{key}{'x' * 300}" if key.endswith("/") else f"{key}={'x' * 300}"
    said = cli("plan", word)
    assert said.code == 2
    assert "is longer than a file's name" in said.err


def test_recipes_are_listed_with_a_line_about_each(cli: Cli) -> None:
    said = cli("recipes")
    assert said.code == 0
    (line,) = [line for line in said.out.splitlines() if line.startswith("quickstart ")]
    assert line.split()[1:4] == ["lora", "tiny", "auto"]


@pytest.mark.parametrize(
    "text", ["seed: [", "hydra: {}", "defaults: [/recipe/nope]", "defaults: [/recipe/broken]"]
)
def test_a_broken_recipe_does_not_hide_the_others(text: str, cli: Cli, recipe: Write) -> None:
    recipe("broken", text)
    recipe("fine", "expected: {result: all is well}")
    said = cli("recipes")
    assert said.code == 0
    lines = {line.split()[0]: line for line in said.out.splitlines()}
    assert "all is well" in lines["fine"]
    assert "cannot be used: " in lines["broken"]
    assert "quickstart" in lines


def test_a_recipe_that_is_not_text_does_not_hide_the_others(cli: Cli, recipe: Write) -> None:
    recipe("broken", "").write_bytes(b"\xff\xfe\x00")
    said = cli("recipes")
    assert said.code == 0
    assert "is not UTF-8" in said.out


def test_a_recipe_is_shown_with_what_it_resolves_to(cli: Cli) -> None:
    said = cli("recipes", "show", "qlora_llama3_1_8b")
    assert said.code == 0
    assert "- /recipe/qlora_mistral" in said.out
    assert "stages    prepare" in said.out


def test_a_recipe_file_is_shown_by_its_path(faq: str, cli: Cli, here: Path) -> None:
    (here / "my own.yaml").write_text(f"dataset: {{path: {faq}}}\nseed: 71")
    said = cli("recipes", "show", "./my own.yaml")
    assert said.code == 0
    assert "71" in said.out


@pytest.mark.parametrize(
    "words", [["show"], ["sow", "x"], ["show", "quickstrat"], ["show", "a", "b"]]
)
def test_recipes_that_is_not_understood_is_refused(words: list[str], cli: Cli) -> None:
    assert cli("recipes", *words).code == 2


def test_no_runs_are_told_as_such(cli: Cli) -> None:
    said = cli("runs")
    assert (said.code, said.out) == (0, "no runs in runs/\n")


def test_runs_are_listed_with_recipe_status_objective_and_date(faq: str, cli: Cli) -> None:
    rundir = launch.create(plan.make(compose([f"dataset={faq}"])))
    done = launch.PLANNED | {"state": "finished", "started": "2025-01-02T03:04:05+00:00"}
    write_json(rundir.status, done)
    judged = {"objective_name": "tuned.qa.exact_match", "objective_direction": "maximize"}
    write_json(rundir.metrics, {"objective": 71.25, **judged})
    said = cli("runs")
    (row,) = said.out.splitlines()[1:]
    assert re.split("  +", row)[:4] == [
        "tiny_lora_faq", "finished", "71.25 qa.exact_match ↑", "2025-01-02 03:04",
    ]  # fmt: skip


def test_the_objective_of_a_run_from_before_it_had_a_name_is_listed(faq: str, cli: Cli) -> None:
    rundir = launch.create(plan.make(compose([f"dataset={faq}"])))
    write_json(rundir.metrics, {"objective": 71.25})
    assert " 71.25 " in cli("runs").out


def test_a_broken_run_does_not_hide_the_others(faq: str, cli: Cli) -> None:
    made = plan.make(compose([f"dataset={faq}"]))
    broken, unbegun, fine = launch.create(made), launch.create(made), launch.create(made)
    broken.run.write_text("{")
    unbegun.status.unlink()
    said = cli("runs")
    assert said.code == 0
    assert "cannot be read: " in said.out
    assert all(one.path.name in said.out for one in (broken, unbegun, fine))


def test_runs_are_found_in_any_folder(faq: str, cli: Cli) -> None:
    launch.create(plan.make(compose([f"dataset={faq}", "runs_dir=export/my runs"])))
    assert "planned" in cli("runs", "runs_dir=export/my runs").out
    assert cli("runs", "seed=1").code == 2


def ftrecipe(here: Path, *words: str, **options: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "ftrecipe", *words],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        stderr=subprocess.PIPE,
        **options,
    )


def test_a_reader_that_has_seen_enough_is_no_error(here: Path) -> None:
    child = ftrecipe(here, "plan", "--json", "+recipe=quickstart", stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    assert (child.wait(timeout=60), child.stderr.read()) == (0, b"")


def test_a_closed_stdout_is_no_error(here: Path) -> None:
    words = [sys.executable, "-m", "ftrecipe", "recipes"]
    script = ["sh", "-c", '"$@" >&-', "sh", *words]
    done = subprocess.run(
        script,
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_working_folder_in_any_script_is_no_error(here: Path) -> None:
    folder = here / "Übung 日本 😀"
    folder.mkdir()
    (folder / "fräge.csv").write_text("question,answer\na,b\n", "utf-8")
    child = ftrecipe(folder, "plan", "dataset=fräge.csv", "eval=[]", stdout=subprocess.PIPE)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, b"")
    assert "path=fräge.csv" in out.decode()


@pytest.mark.parametrize(
    ("word", "verb"), [("train", "run"), ("merge", "export"), ("eval", "evaluate")]
)
def test_what_other_tools_call_a_verb_is_answered_with_ours(word: str, verb: str, cli: Cli) -> None:
    said = cli(word, "+recipe=quickstart")
    assert said.code == 2
    assert f"{word} is not a verb; did you mean {verb}" in said.err


def test_a_run_is_no_word_of_a_plan(cli: Cli, here: Path) -> None:
    (here / "old").mkdir()
    (here / "old" / "run.json").write_text("{}")
    assert "this is a run: +recipe=old/recipe.yaml" in cli("plan", "old").err
