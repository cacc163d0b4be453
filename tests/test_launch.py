"""Writing a plan's files: never over another run, and so that sharing them gives the same run."""

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import ftrecipe
from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.config import from_plain
from ftrecipe.errors import ConfigError
from ftrecipe.plan import Plan
from ftrecipe.rundir import hold, read_json, write_json

Write = Callable[[str, str], Path]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


def made(*line: str) -> Plan:
    return plan.make(compose(list(line)))


def test_a_run_directory_says_what_the_run_is(faq: str) -> None:
    some = made(f"dataset={faq}")
    rundir = launch.create(some)
    assert rundir.path.parent == Path("runs/tiny_lora_faq")
    assert json.loads(rundir.run.read_text())["schema_version"] == 1
    assert from_plain(read_json(rundir.run)["config"]) == some.run
    assert launch.read_status(rundir)["state"] == "planned"
    script = rundir.plan.read_text().splitlines()
    assert shlex.split(script[-1])[1:] == some.commands(rundir.path.absolute())[0]


def test_a_second_run_never_takes_the_folder_of_a_first(faq: str) -> None:
    some = made(f"dataset={faq}")
    folders = {launch.create(some).path for _ in range(3)}
    assert len(folders) == 3


def test_a_run_may_be_given_its_folder(faq: str, here: Path) -> None:
    rundir = launch.create(made(f"dataset={faq}"), here / "sweep" / "007")
    assert rundir.path == here / "sweep" / "007"
    assert rundir.run.is_file()


def test_a_teams_runs_lie_in_the_teams_folder(faq: str, recipe: Write) -> None:
    recipe("team_a/x", f"dataset: {{path: {faq}}}")
    assert launch.create(made("+recipe=team_a/x")).path.parent == Path("runs/team_a/x")


def test_a_runs_dir_that_cannot_be_written_is_told(faq: str, here: Path) -> None:
    (here / "file").write_text("")
    with pytest.raises(ConfigError, match="runs_dir: file/tiny_lora_faq cannot be written"):
        launch.create(made(f"dataset={faq}", "runs_dir=file"))


def test_runs_dir_may_be_called_anything(faq: str) -> None:
    rundir = launch.create(made(f"dataset={faq}", "runs_dir=my runs, [ü]=~"))
    assert rundir.path.parts[0] == "my runs, [ü]=~"


SHARED = {
    "values": ["peft.r=4", "trainer.learning_rate=1e-5", "trainer.max_length=64", "seed=7"],
    "recipe": ["+recipe=quickstart", "peft.r=4"],
    "extended": ["+recipe=leaf"],
    "file": ["+recipe=./some file.yaml"],
    "nothing chosen of many": ["+recipe=quickstart", "eval=[]", "export=[]"],
    "one option replaced": ["+recipe=leaf", "peft=lora", "eval=[]"],
    "extra": ["trainer.extra.neftune_noise_alpha=5", "trainer.extra.adam_beta2=1e-4"],
    "lists": ["peft.target_modules=[q_proj]", "model.special_tokens=['<a, b>', 'null', '1e-4']"],
    "no lists": ["cleaning=[]"],
    "text": [
        "dataset.template=null", "dataset.system={q}: # [x], 'y' ${z} ${a:b} \\${c}",
        "description=5", "model.revision=123e456",
    ],
    "interpolation": ["trainer.save_steps=${seed}"],
    "columns": ["dataset.columns.question=question", "dataset.columns.answer=answer"],
    "split": ["dataset.split={train: 0.5, validation: 0.25, test: 0.25}"],
    "enum": ["trainer.lr_scheduler_type=linear", "eval.qa.split=train"],
}  # fmt: skip


@pytest.mark.parametrize("case", SHARED)
def test_a_runs_recipe_composes_to_the_same_run(
    case: str, faq: str, recipe: Write, here: Path
) -> None:
    recipe("base", "defaults: [override /eval: [qa, generation]]\neval: {qa: {max_samples: 3}}")
    recipe("leaf", "defaults: [/recipe/base, override /peft: dora]\npeft: {r: 3}\ndescription: a")
    (here / "some file.yaml").write_text("defaults: [/recipe/leaf]\nseed: 5")
    line = SHARED[case]
    line = line if "+recipe=quickstart" in line else [*line, f"dataset={faq}"]
    first = made(*line)
    rundir = launch.create(first)
    again = made(f"+recipe={rundir.recipe}")
    assert again.config == first.config
    assert again.choices == first.choices
    assert again.stages == first.stages


def test_a_shared_recipe_holds_only_what_differs(faq: str) -> None:
    rundir = launch.create(made(f"dataset={faq}", "peft=dora", "peft.r=16", "peft.alpha=64"))
    assert yaml.safe_load(rundir.recipe.read_text()) == {
        "defaults": [{"override /dataset": "question_answer"}, {"override /peft": "dora"}],
        "dataset": {"path": "faq.csv"},
        "peft": {"alpha": 64},
    }


def test_consent_and_runs_dir_are_never_shared(faq: str) -> None:
    rundir = launch.create(made(f"dataset={faq}", "consent.remote_code=true", "runs_dir=x"))
    assert set(yaml.safe_load(rundir.recipe.read_text())) == {"defaults", "dataset"}


def test_a_run_that_nobody_holds_is_not_running(faq: str) -> None:
    rundir = launch.create(made(f"dataset={faq}"))
    write_json(rundir.status, launch.PLANNED | {"state": "running", "stage": "train"})
    with hold(rundir):
        assert launch.read_status(rundir)["state"] == "running"
    assert launch.read_status(rundir)["state"] == "interrupted"
    assert read_json(rundir.status)["state"] == "interrupted"


def test_a_run_has_one_owner(faq: str) -> None:
    rundir = launch.create(made(f"dataset={faq}"))
    with hold(rundir), pytest.raises(ConfigError, match="going on in another process"):
        launch.start(rundir, ["prepare"])


def test_a_held_run_is_not_written_to(faq: str) -> None:
    rundir = launch.create(made(f"dataset={faq}"))
    before = rundir.run.read_text()
    with hold(rundir), pytest.raises(ConfigError):
        launch.start(rundir, ["prepare"], made(f"dataset={faq}", "seed=7"))
    assert rundir.run.read_text() == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "\x00" * 300], ids=["empty", "cut", "list", "object", "zeros"]
)
def test_a_status_that_a_power_cut_broke_is_that_of_an_interrupted_run(text: str, faq: str) -> None:
    rundir = launch.create(made(f"dataset={faq}"))
    rundir.status.write_text(text)
    status = launch.read_status(rundir)
    assert (status["state"], status["done"]) == ("interrupted", [])
    assert "status.json could not be read" in status["error"]


@pytest.mark.parametrize("end", [ConfigError("not here"), KeyboardInterrupt()])
def test_a_run_that_ends_before_it_begins_leaves_no_folder(
    end: BaseException, faq: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise end

    monkeypatch.setattr("ftrecipe.readiness.check", refuse)
    with pytest.raises(type(end)):
        ftrecipe.run(overrides=[f"dataset={faq}", "runs_dir=mine", "hardware.memory_gb=8"])
    assert not list((here / "mine").iterdir())


def test_sigterm_ends_a_command_with_a_word(process: Process) -> None:
    said = process(
        "-c",
        "import os, signal, sys, time; from ftrecipe import __main__, verbs\n"
        "verbs.load = lambda verb: lambda rest: os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.argv = ['ftrecipe', 'plan']; sys.exit(__main__.main())",
    )
    assert (said.returncode, said.stderr) == (130, "stopped\n")
