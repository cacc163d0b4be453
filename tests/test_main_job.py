"""The main job as a person runs it: the real command, in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

import ftrecipe
from ftrecipe.data.files.locate import BUILTIN
from ftrecipe.errors import ConfigError, StageError
from ftrecipe.rundir import RunDir, read_json

ENVIRONMENT = os.environ | {"HF_HUB_OFFLINE": "1"}
TWO_STEPS = ["trainer.max_steps=2", "trainer.logging_steps=1", "eval=[]", "export=[]"]


def command(*words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the front door in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "ftrecipe", *words],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


def only_run(folder: Path) -> RunDir:
    """Return the one run below `folder`."""
    (found,) = folder.rglob("run.json")
    return RunDir(found.parent)


@pytest.mark.slow
def test_quickstart_answers_questions_in_words_it_was_never_shown(tmp_path: Path) -> None:
    done = command("+recipe=quickstart", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    run = only_run(tmp_path)
    metrics = read_json(run.metrics)
    assert metrics["base"]["qa"]["exact_match"] < 5
    assert metrics["tuned"]["qa"]["exact_match"] >= 70
    assert metrics["objective"] == metrics["tuned"]["qa"]["exact_match"]
    assert read_json(run.status)["state"] == "finished"
    assert "toy model" not in done.stdout  # it is told what the shipped FAQ is for in the README
    assert run.report_html.read_text("utf-8").count("<html") == 1
    listed = command("runs", folder=tmp_path).stdout
    assert "quickstart" in listed
    assert "finished" in listed


@pytest.mark.full
def test_quickstart_learns_with_every_seed(tmp_path: Path) -> None:
    scores = []
    for seed in (42, 43, 44):
        done = command("+recipe=quickstart", f"seed={seed}", f"runs_dir={seed}", folder=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        run = only_run(tmp_path / str(seed))
        scores.append(read_json(run.metrics)["tuned"]["qa"]["exact_match"])
    assert sum(scores) / 3 >= 70, scores


@pytest.mark.slow
def test_own_data_on_the_tiny_model_is_called_a_toy(tmp_path: Path) -> None:
    rows = "".join(f"What is fact {n}?,It is number {n}.\n" for n in range(40))
    (tmp_path / "my facts, [new].csv").write_text("question,answer\n" + rows)
    done = command("dataset=my facts, [new].csv", *TWO_STEPS, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "toy model" in done.stdout


@pytest.mark.slow
def test_multirun_gives_every_combination_a_run_and_measures_the_baseline_once(
    tmp_path: Path,
) -> None:
    words = ["+recipe=quickstart", "peft.r=4,8", "trainer.max_steps=1,2", "eval=[perplexity]"]
    done = command("-m", *words, "export=[]", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = [RunDir(file.parent) for file in tmp_path.rglob("run.json")]
    found = {
        (config["peft"]["r"], config["trainer"]["max_steps"])
        for config in (read_json(run.run)["config"] for run in runs)
    }
    assert found == {(4, 1), (4, 2), (8, 1), (8, 2)}
    assert all(read_json(run.metrics)["objective"] > 0 for run in runs)
    assert done.stdout.count("known from an earlier run: train") == 3
    assert done.stdout.count("baseline  base: known from an earlier run") == 3


@pytest.mark.slow
def test_python_gets_the_run_with_its_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = ftrecipe.run("quickstart", TWO_STEPS)
    assert run.metrics["train"]["steps"] == 2
    assert run.objective == run.metrics["train"]["loss"]
    again = command("export", str(run.path), "export=[merged]", folder=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert (run.path / "export" / "merged" / "model.safetensors").is_file()
    with pytest.raises(ConfigError, match=r"peft\.r"):
        ftrecipe.run("quickstart", ["peft.rr=4"])


@pytest.mark.slow
def test_python_is_told_why_a_run_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(BUILTIN / "tiny", tmp_path / "broken")
    file = tmp_path / "broken" / "model.safetensors"
    weights = load_file(file)
    weights["model.norm.weight"][:] = float("nan")
    save_file(weights, file, {"format": "pt"})
    with pytest.raises(StageError, match="the loss is nan"):
        ftrecipe.run("quickstart", [*TWO_STEPS, "model.path=broken"])


def test_python_is_told_what_cannot_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="no module q_prom"):
        ftrecipe.run("quickstart", [*TWO_STEPS, "peft.target_modules=[q_prom]"])


@pytest.mark.slow
@pytest.mark.parametrize("tracker", ["wandb", "tensorboard", "mlflow", "trackio"])
def test_trackers_work_without_an_account(tracker: str, tmp_path: Path) -> None:
    done = command("+recipe=quickstart", f"tracking={tracker}", *TWO_STEPS, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    run = only_run(tmp_path)
    left = {"wandb": "wandb", "tensorboard": "tensorboard", "mlflow": "mlflow.db"}
    assert (run.path / left.get(tracker, "trackio")).exists()


@pytest.mark.slow
def test_check_prints_what_is_trained_on_and_loads_no_weights(tmp_path: Path) -> None:
    done = command("check", "+recipe=quickstart", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "trained on" in done.stdout
    assert list(tmp_path.glob("runs/quickstart/*/data/report.html"))
    assert not list(tmp_path.rglob("checkpoints"))


@pytest.mark.slow
def test_faults_of_the_data_end_the_run_before_weights_are_loaded(tmp_path: Path) -> None:
    rows = [json.dumps({"question": f"q{n}", "answer": f"a{n}"}) for n in range(600)]
    rows[499] = '{"question": "q", "answer": '
    rows[510] = json.dumps({"question": "q", "answer": ""})
    (tmp_path / "faq.jsonl").write_text("\n".join(rows))
    done = command("dataset=faq.jsonl", folder=tmp_path)
    assert done.returncode == 2
    assert "faq.jsonl line 500" in done.stderr
    assert "faq.jsonl line 511" in done.stderr
    assert "baseline" not in done.stdout
