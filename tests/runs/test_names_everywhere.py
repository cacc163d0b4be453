"""A name does wherever a run's folder does; what was used is kept as the folder that it was."""

from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe import plan
from ftrecipe.compose import Composition, compose
from ftrecipe.door.earlier import as_words, settled_words
from ftrecipe.errors import ConfigError
from ftrecipe.existing import open_run
from ftrecipe.launch import create
from ftrecipe.pointers import promote
from ftrecipe.rundir import RunDir, read_json, write_json

MakeRun = Callable[..., RunDir]
NAME = "bot@production"
DATA = "dataset=builtin:faq/train.jsonl"


@pytest.fixture
def named(make_run: MakeRun) -> RunDir:
    """A finished run that has a name."""
    run = make_run("quick/1")
    write_json(run.base, {"path": "builtin:tiny", "revision": None, "sha256": "0" * 64})
    run.adapter.mkdir()
    promote(Path("runs"), RunDir(Path("runs/quick/1")), NAME)
    return run


def composed(*words: str) -> Composition:
    return compose([DATA, *words])


@pytest.mark.parametrize("word", [NAME, "quick", "quick/latest", "runs/quick", "quick/1"])
def test_a_run_is_opened_by_any_of_its_names(word: str, named: RunDir) -> None:
    rundir, rest = open_run("export", [word, "export=merged"])
    assert (rundir.path, rest) == (named.path, ["export=merged"])


def test_a_run_is_opened_where_the_line_says_that_runs_are(named: RunDir, here: Path) -> None:
    (here / "runs").rename(here / "others")
    rundir, rest = open_run("export", [NAME, "runs_dir=others", "export=merged"])
    assert (rundir.path, rest) == (here / "others/quick/1", ["export=merged"])


@pytest.mark.parametrize("verb", ["export", "evaluate", "resume", "replay"])
def test_every_verb_of_a_run_answers_a_wrong_name_with_the_right_one(
    verb: str, named: RunDir, cli: Cli
) -> None:
    said = cli(verb, "bot@prodution")
    assert said.code == 2
    assert f"did you mean {NAME}?" in said.err


def test_resume_looks_at_the_run_that_a_name_points_to(named: RunDir, cli: Cli) -> None:
    said = cli("resume", NAME)
    assert (said.code, "quick/1 is finished; nothing to resume" in said.out) == (0, True)


def test_replay_looks_for_the_lock_of_the_run_that_a_name_points_to(
    named: RunDir, cli: Cli
) -> None:
    assert "has no lock.json" in cli("replay", NAME).err


def test_publish_takes_a_name(named: RunDir, cli: Cli) -> None:
    said = cli("recipes", "publish", "bot@prodution", "--to", "out")
    assert f"did you mean {NAME}?" in said.err


def test_diff_takes_names(named: RunDir, make_run: MakeRun, cli: Cli) -> None:
    make_run("slow/2", seed=7)
    said = cli("diff", NAME, "slow")
    assert said.code == 1
    assert "42 → 7" in said.out


def test_the_folder_that_a_name_meant_is_what_a_run_keeps(named: RunDir, make_run: MakeRun) -> None:
    other = make_run("slow/2")
    write_json(other.base, {"path": "builtin:tiny", "revision": None, "sha256": "0" * 64})
    other.adapter.mkdir()
    composition = composed(f"model.from_run={NAME}", f"compare.against=[{NAME},slow/latest]")
    assert composition.run.model.from_run == "runs/quick/1"
    assert composition.run.compare.against == ["runs/quick/1", "runs/slow/2"]
    assert composition.differences["model"]["from_run"] == "runs/quick/1"
    assert f"run       {NAME} is runs/quick/1" in composition.notes


def test_the_name_is_kept_beside_the_folder(named: RunDir, here: Path) -> None:
    made = plan.make(composed(f"model.from_run={NAME}", "eval=[]"), counts=False)
    run = create(made)
    assert read_json(run.run)["named"] == {NAME: "runs/quick/1"}
    assert read_json(run.run)["config"]["model"]["from_run"] == "runs/quick/1"
    assert NAME not in run.recipe.read_text("utf-8")


def test_one_run_to_be_compared_with_needs_no_brackets(named: RunDir) -> None:
    assert composed(f"compare.against={NAME}").run.compare.against == ["runs/quick/1"]


def test_names_are_looked_for_in_the_runs_dir_of_the_line(named: RunDir, here: Path) -> None:
    (here / "runs").rename(here / "others")
    composition = composed(f"model.from_run={NAME}", "runs_dir=others")
    assert composition.run.model.from_run == "others/quick/1"


def test_wrong_names_are_told_together_with_what_was_meant(named: RunDir) -> None:
    with pytest.raises(ConfigError) as told:
        composed("model.from_run=bot@prodution", "compare.against=[bot@x]", "seed=-1")
    assert len(told.value.faults) == 3
    assert any(
        fault.startswith("model.from_run=bot@prodution: ") and f"did you mean {NAME}?" in fault
        for fault in told.value.faults
    )


def test_a_recipe_that_names_a_run_that_is_not_there_is_told_with_its_line(
    named: RunDir, recipe: Callable[[str, str], Path]
) -> None:
    recipe("mine", "defaults:\n- override /dataset: auto\nmodel:\n  from_run: bot@prodution\n")
    with pytest.raises(ConfigError, match=r"mine.yaml line 4: model.from_run=bot@prodution: "):
        compose(["recipe=mine", DATA])


def test_a_path_that_is_no_run_is_left_to_the_rules(named: RunDir) -> None:
    with pytest.raises(ConfigError, match=r"model.from_run=runs/nope: is not the folder of a run"):
        composed("model.from_run=runs/nope")


def test_all_trials_of_a_sweep_go_on_from_the_run_that_was_meant_at_its_start(
    named: RunDir,
) -> None:
    first = composed(f"model.from_run={NAME}", f"compare.against=[{NAME}]")
    words = list(as_words(first.run, first.named))
    assert words == ["model.from_run=runs/quick/1", "compare.against=['runs/quick/1']"]
    fixed = [f"model.from_run={NAME}", "seed=3"]
    again = composed(*settled_words(fixed, first.run, first.named))
    assert (again.run.model.from_run, again.run.compare.against) == (
        "runs/quick/1",
        ["runs/quick/1"],
    )
    assert list(as_words(composed("seed=1").run, {})) == []
