"""A sweep's command line: what is a typo ends it before it begins, all in our own words."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from answers import Cli

from ftrecipe.errors import ConfigError
from ftrecipe.sweep import line, search
from ftrecipe.sweep.preflight import Verdict, preflight

Process = Callable[..., "CompletedProcess[str]"]


def check(*words: str) -> list[Verdict]:
    asked = line.sort(list(words))
    search.read_settings(asked)
    return preflight(asked.fixed, list(asked.space.values()))


def refused(verdicts: list[Verdict]) -> list[dict[str, str]]:
    return [verdict.point for verdict in verdicts if verdict.made is None]


def test_a_typo_in_any_swept_value_ends_the_sweep_before_it_begins(faq: str, cli: Cli) -> None:
    said = cli("-m", f"dataset={faq}", "peft=lora,dorra")
    assert said.code == 2
    assert "did you mean dora?" in said.err
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["+recipe=quickstart,quickstrat"], "did you mean quickstart?"),
        (["peft.r=4,x"], "peft.r=x: must be a whole number"),
        (["peft.rr=4,8"], "did you mean peft.r?"),
        (["peft=lora,ia3", "peft.r=4,x"], "peft.r=x: must be a whole number"),
        (["peft=lora,ia3", "peft.last_layers=2,4"], "belongs to peft=freeze"),
        (["dataset=faq.csv,faqq.csv"], "faqq.csv"),
        (["trainer.learning_rate=1e-3,7"], "trainer.learning_rate=7: must be at most 1"),
        (["runs_dir=a[b"], "in a sweep, text with commas"),
        (["peft"], "what should it be?"),
        (["objective=train.loss,train.seconds"], "the same for all trials"),
        (["hydra.sweep.dir=x"], "set runs_dir"),
        (["sweep=lora_rank"], "did you mean lora_rank_lr?"),
        (["+sweep=lora_rank_lr", "sweep.n_trial=3"], "did you mean sweep.n_trials?"),
        (["+sweep=lora_rank_lr", "sweep.n_trials=0"], "at least 1"),
        (["+sweep=lora_rank_lr", "sweep.pruner=medan"], "did you mean median?"),
        (["+sweep=lora_rank_lr", "peft=ia3"], "belongs to peft="),
        (["+sweep=lora_rank_lr", "peft.r=8", "trainer.learning_rate=1e-3"], "nothing varies"),
        (
            [
                "peft.r=4,8",
                "export=[merged,hub]",
                "export.hub.repo_id=me/bot",
                "consent.push_to_hub=true",
            ],
            "would send their model to one place",
        ),
    ],
)
def test_a_fault_in_a_sweep_is_told_in_our_words(words: list[str], fault: str, faq: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(f"dataset={faq}", *words)
    assert fault in str(caught.value)
    assert "To append" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "points"),
    [
        (
            ["peft=lora,ia3", "peft.r=4,8"],
            [{"peft": "ia3", "peft.r": "4"}, {"peft": "ia3", "peft.r": "8"}],
        ),
        (
            ["peft=lora,full", "quantization=none,nf4"],
            [{"peft": "full", "quantization": "nf4"}],
        ),
        (["peft=freeze,lora", "peft.last_layers=2"], [{"peft": "lora"}]),
    ],
)
def test_a_combination_that_is_not_allowed_costs_only_itself(
    words: list[str], points: list[dict[str, str]], faq: str
) -> None:
    assert refused(check(f"dataset={faq}", *words)) == points


def test_a_sweep_of_which_nothing_can_run_is_told_so(faq: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(f"dataset={faq}", "peft=full", "quantization=nf4,fp4")
    assert caught.value.faults[0] == "none of the 2 combinations can run"
    assert len(caught.value.faults) == 3


def test_files_can_be_swept_by_their_names(here: Path) -> None:
    for name in ("a.csv", "b c.csv"):
        (here / name).write_text("question,answer\na,b\n")
    found = [verdict.made for verdict in check("dataset=a.csv,b c.csv")]
    assert [made and made.run.dataset.path for made in found] == ["a.csv", "b c.csv"]


def test_words_on_the_line_win_over_a_ready_space_and_add_to_it() -> None:
    asked = line.sort(["+sweep=lora_rank_lr", "peft.r=2,3", "seed=1,2"])
    ready = search.read_settings(asked)
    assert asked.space["peft.r"].values == ("2", "3")
    assert set(asked.space) == {"peft.r", "seed", "trainer.learning_rate"}
    assert ready.n_trials == 20


def test_a_sweep_can_be_given_by_its_file(here: Path) -> None:
    (here / "my.yaml").write_text("space: {peft.r: '4,8', peft.alpha: 16}\nsampler: grid\n")
    asked = line.sort(["sweep=./my.yaml"])
    assert search.read_settings(asked).sampler is search.Sampler.grid
    assert asked.fixed == ["peft.alpha=16"]


def test_a_fault_in_a_sweeps_file_is_told_with_the_file(here: Path) -> None:
    (here / "my.yaml").write_text("n_trails: 3\nspace: {peft.r: '4,8'}\n")
    with pytest.raises(ConfigError, match=r"my.yaml: sweep.n_trails: .*sweep.n_trials"):
        search.read_settings(line.sort(["sweep=my.yaml"]))


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["hydra/launcher=jobli", "seed=1,2"], "did you mean joblib?"),
        (["hydra/launcher=joblib", "hydra.launcher.n_job=2", "seed=1,2"], "hydra.launcher.n_jobs"),
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=x", "seed=1,2"], "a whole number"),
        (["hydra/sweeper=optun", "seed=1,2"], "did you mean optuna?"),
        (["hydra/nothing=x", "seed=1,2"], "Hydra has no such group"),
        (["sweep.sampler=tpe", "seed=1,2"], "runs every combination"),
        (["trainer.weight_decay=interval(0,1)"], "hydra/sweeper=optuna"),
        (["+sweep=lora_rank_lr", "sweep.pruner=median"], "add trainer.eval_steps="),
        (["runs_dir=/proc/x", "seed=1,2"], "cannot be written"),
    ],
)
def test_what_is_asked_of_hydra_is_checked_as_well(
    words: list[str], fault: str, faq: str, cli: Cli
) -> None:
    said = cli("-m", f"dataset={faq}", *words)
    assert said.code == 2
    assert fault in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("package", "words"),
    [("optuna", ["+sweep=lora_rank_lr"]), ("joblib", ["seed=1,2", "hydra/launcher=joblib"])],
)
def test_a_missing_package_is_told_with_the_extra(
    package: str, words: list[str], process: Process
) -> None:
    hidden = ["optuna"] if package == "optuna" else ["hydra_plugins.hydra_joblib_launcher"]
    script = (
        "import sys, importlib.util, pkgutil, hydra_plugins\n"
        f"hidden = {hidden}\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, *a: None if n in hidden else find(n, *a)\n"
        "walk = pkgutil.walk_packages\n"
        "pkgutil.walk_packages = lambda *a, **k: "
        "(m for m in walk(*a, **k) if not m[1].startswith(tuple(hidden)))\n"
        "from ftrecipe.__main__ import main\n"
        f"sys.exit(main(['-m', *{words}]))\n"
    )
    done = process("-c", script)
    assert done.returncode == 2, done.stderr
    assert "pip install 'ftrecipe[sweep]'" in done.stderr


def test_a_sweep_without_optuna_imports_neither_it_nor_torch(faq: str, process: Process) -> None:
    script = (
        "import sys\n"
        "from ftrecipe.sweep import front\n"
        "front.go = lambda book, words: 0\n"
        f"front.sweep(['dataset={faq}', 'peft.r=4,8'])\n"
        "print(sorted({'torch', 'optuna', 'transformers'} & set(sys.modules)))\n"
    )
    done = process("-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
