"""An existing run, opened again: what it was stays, what a person changes about it is checked."""

import json
import shutil
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError
from ftrecipe.existing import GOING_ON, open_run, recompose
from ftrecipe.rundir import RunDir, hold, read_json, write_json


@pytest.fixture
def run(faq: str) -> RunDir:
    """A run that was planned and never begun."""
    words = [f"dataset={faq}", "peft=dora", "peft.r=4", "eval=[qa,generation]",
             "eval.qa.max_samples=3", "trainer.extra.neftune_noise_alpha=5"]  # fmt: skip
    return launch.create(plan.make(compose(words)))


def set_state(run: RunDir, state: str) -> None:
    write_json(run.status, launch.PLANNED | {"state": state, "stage": "report"})


def test_a_run_recomposes_to_itself(run: RunDir) -> None:
    before = read_json(run.run)
    made = recompose(run, [], GOING_ON)
    for key in ("name", "recipe", "stages", "choices", "differences"):
        assert getattr(made, key) == before[key]
    assert made.config == before["config"] | {"runs_dir": before["runs_dir"]}


def test_a_change_is_made_to_the_run_and_the_rest_kept(run: RunDir) -> None:
    before = list(read_json(run.run)["config"]["eval"])
    made = recompose(run, ["eval=[forgetting]", "trainer.max_steps=7"], GOING_ON)
    assert made.config["eval"]["qa"]["max_samples"] == 3
    assert list(made.config["eval"]) == [*before, "forgetting"]
    assert made.config["trainer"]["max_steps"] == 7
    assert made.config["peft"]["r"] == 4


def test_a_change_that_is_given_twice_is_told(run: RunDir) -> None:
    made = recompose(run, ["trainer.max_steps=7", "trainer.max_steps=8"], GOING_ON)
    assert "twice     trainer.max_steps: 8 comes last and counts, not 7" in made.notes


def test_recomposing_writes_nothing(run: RunDir) -> None:
    before = run.run.read_text()
    recompose(run, ["trainer.max_steps=7"], GOING_ON)
    assert run.run.read_text() == before


def with_top_p(run: RunDir) -> RunDir:
    """The run as a version made it that did not ask whether a value has an effect."""
    noted = read_json(run.run)
    noted["differences"]["eval"]["qa"]["top_p"] = 0.9
    write_json(run.run, noted)
    return run


def test_a_value_of_a_run_that_has_no_effect_is_kept(run: RunDir) -> None:
    made = recompose(with_top_p(run), ["eval.qa.max_samples=2"], GOING_ON)
    assert made.config["eval"]["qa"]["top_p"] == 0.9


def test_a_value_that_is_given_to_a_run_needs_an_effect(run: RunDir) -> None:
    with pytest.raises(ConfigError, match=r"eval\.qa\.top_p=0\.8: has no effect") as refused:
        recompose(with_top_p(run), ["eval.qa.top_p=0.8", "eval.generation.seed=3"], GOING_ON)
    assert len(refused.value.faults) == 2


@pytest.mark.parametrize(
    ("verb", "word"),
    [
        ("evaluate", "trainer.max_steps=9"),
        ("evaluate", "model=smollm2_135m"),
        ("export", "eval=[qa]"),
        ("resume", "dataset.path=faq.csv"),
        ("resume", "trainer.learning_rate=1e-5"),
        ("resume", "peft.r=8"),
        ("resume", "runs_dir=elsewhere"),
    ],
)
def test_a_run_stays_what_it_was_trained_as(verb: str, word: str, cli: Cli, run: RunDir) -> None:
    before = run.run.read_text(), run.recipe.read_text(), read_json(run.status)
    said = cli(verb, str(run.path), word)
    assert said.code == 2
    assert "a run keeps what it was trained with" in said.err
    assert (run.run.read_text(), run.recipe.read_text(), read_json(run.status)) == before


def test_a_run_keeps_its_recipe(run: RunDir) -> None:
    with pytest.raises(ConfigError, match="a run keeps its recipe"):
        recompose(run, ["+recipe=quickstart"], GOING_ON)


@pytest.mark.parametrize("verb", ["resume", "evaluate", "export"])
def test_a_verb_on_a_run_says_that_it_needs_one(verb: str, cli: Cli) -> None:
    said = cli(verb)
    assert said.code == 2
    assert f"{verb} needs a run" in said.err


@pytest.mark.parametrize("verb", ["resume", "export"])
def test_a_change_without_a_run_is_refused(verb: str, cli: Cli) -> None:
    said = cli(verb, "eval=[qa]")
    assert said.code == 2
    assert f"{verb} needs a run" in said.err


@pytest.mark.parametrize("verb", ["resume", "evaluate", "export"])
def test_a_folder_that_is_no_run_is_refused_with_the_nearest(
    verb: str, cli: Cli, run: RunDir
) -> None:
    said = cli(verb, str(run.path)[:-1])
    assert said.code == 2
    assert "is not a run directory" in said.err
    assert f"did you mean {run.path.name}?" in said.err


@pytest.mark.parametrize("verb", ["resume", "evaluate", "export"])
def test_an_unknown_key_is_answered_with_the_one_meant(verb: str, cli: Cli, run: RunDir) -> None:
    said = cli(verb, str(run.path), "trainer.max_step=3", "eval=[qaa]")
    assert said.code == 2
    assert len(said.faults) == 2
    assert "did you mean trainer.max_steps?" in said.err


def test_resuming_a_finished_run_says_so(cli: Cli, run: RunDir) -> None:
    set_state(run, "finished")
    said = cli("resume", str(run.path))
    assert said.code == 0
    assert "is finished; nothing to resume" in said.out


def test_a_run_held_by_another_process_is_left_alone(cli: Cli, run: RunDir) -> None:
    set_state(run, "running")
    before = run.run.read_text()
    with hold(run):
        said = cli("resume", str(run.path), "trainer.max_steps=7")
    assert said.code == 2
    assert "going on in another process" in said.err
    assert run.run.read_text() == before


def test_a_run_may_lie_in_a_folder_called_anything(here: Path, run: RunDir) -> None:
    odd = here / "peft.r=4, [ü]"
    shutil.copytree(run.path, odd)
    assert open_run("resume", [odd.name, "seed=7"]) == (RunDir(odd), ["seed=7"])


def test_a_run_with_a_broken_file_is_told_by_name(cli: Cli, run: RunDir) -> None:
    run.run.write_text("{")
    said = cli("resume", str(run.path))
    assert said.code == 2
    assert "run.json: is not valid JSON" in said.err


def test_a_run_of_a_version_that_noted_less_is_refused_in_a_line(run: RunDir) -> None:
    noted = read_json(run.run)
    del noted["working_dir"]
    noted.pop("schema_version", None)
    run.run.write_text(json.dumps(noted), encoding="utf-8")
    with pytest.raises(ConfigError, match="is of another version of ftrecipe; start a new run"):
        open_run("export", [str(run.path)])
