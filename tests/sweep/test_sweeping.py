"""Whole sweeps with real processes: left alone they end, killed they go on, nothing runs twice."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from answers import ROOT

from ftrecipe.rundir import read_json
from ftrecipe.sweep import front

pytestmark = pytest.mark.slow

SCHEMAS = ROOT / "ftrecipe" / "schemas"
TINY = [
    "+recipe=quickstart", "eval=[]", "export=[]", "hardware=cpu", "model.dtype=float32",
    "trainer.max_steps=1", "trainer.logging_steps=1",
]  # fmt: skip
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "ftrecipe", "-m", *TINY, *words]


def begin(here: Path, *words: str, **more: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(*words), cwd=here, env=ENVIRONMENT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more,
    )  # fmt: skip


def sweep(here: Path, *words: str) -> tuple[int, str]:
    child = begin(here, *words)
    said, _ = child.communicate(timeout=500)
    return child.returncode, said


def folder(here: Path) -> Path:
    (found,) = here.glob("runs/quickstart/sweep_*")
    return found


def trials(here: Path) -> list[dict[str, Any]]:
    return [read_json(file) for file in sorted((folder(here) / "trials").glob("*.json"))]


def states(here: Path) -> list[str]:
    return [trial["state"] for trial in trials(here)]


def wait_for(ready: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.05)


def has_trained(here: Path, number: int, steps: int = 1) -> bool:
    """Tell whether a trial has logged so many steps."""
    for history in here.glob(f"runs/quickstart/sweep_*/{number:03d}/history.jsonl"):
        return len(history.read_text().splitlines()) >= steps
    return False


def check_schemas(here: Path) -> None:
    for name, files in (("sweep", [folder(here) / "sweep.json"]),
                        ("trial", sorted((folder(here) / "trials").glob("*.json")))):  # fmt: skip
        schema = read_json(SCHEMAS / f"{name}.json")
        for file in files:
            jsonschema.validate(read_json(file), schema)


def test_a_killed_sweep_goes_on_where_it_was_and_no_trial_runs_twice(here: Path) -> None:
    # At this rate the largest alpha saturates the model, and no gradient is left.
    words = ["peft.alpha=1,2,9007199254740992,3,4,5,6,7,8,9,10", "trainer.learning_rate=1"]
    words += ["trainer.max_steps=2", "trainer.save_steps=1", "trainer.warmup_steps=0"]
    child = begin(here, *words)
    wait_for(lambda: has_trained(here, 6), 300)
    child.kill()
    first, _ = child.communicate(timeout=60)
    before = {t["number"]: t for t in trials(here) if t["state"] not in ("running", "interrupted")}
    assert len(before) == 6
    code, second = sweep(here, *words)
    assert "11 trials, 6 of them done before" in second, second
    assert code == 1
    assert Counter(states(here)) == {"finished": 10, "failed": 1}
    assert all(trials(here)[number] == trial for number, trial in before.items())
    assert "every gradient is exactly 0" in trials(here)[2]["reason"]
    begun = re.findall(r"^trial (\d+): peft", first + second, re.MULTILINE)
    assert Counter(begun) == {f"{n:03d}": 1 + (n == 6) for n in range(11)}
    assert read_json(folder(here) / "sweep.json")["state"] == "finished"
    assert "1 of 11 trials has no result" in second
    assert (folder(here) / "sweep.html").is_file()
    check_schemas(here)


def test_a_trial_that_fails_is_recorded_with_its_reason_and_the_sweep_goes_on(here: Path) -> None:
    (here / "empty.csv").write_text("question,answer\n")
    rows = "".join(f"What is {n}?,It is {n}.\n" for n in range(20))
    (here / "good, really.csv").write_text(f"question,answer\n{rows}")
    code, said = sweep(here, "dataset.path=empty.csv,'good, really.csv'",
                       "dataset.validation_path=null", "dataset.test_path=null")  # fmt: skip
    assert code == 1, said
    assert states(here) == ["refused", "finished"]
    assert "empty.csv" in trials(here)[0]["reason"]
    assert trials(here)[1]["overrides"] == {"dataset.path": "good, really.csv"}


def test_ctrl_c_ends_a_sweep_that_can_go_on(here: Path) -> None:
    words = ["seed=1,2", "trainer.max_steps=60", "trainer.save_steps=50"]
    child = begin(here, *words)
    wait_for(lambda: has_trained(here, 0, 3))
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=120)
    assert child.returncode == 130, said
    assert "the same command goes on" in said
    assert states(here) == ["interrupted"]
    assert read_json(folder(here) / "sweep.json")["state"] == "interrupted"
    assert list((folder(here) / "000" / "checkpoints").glob("checkpoint-*"))
    code, said = sweep(here, *words)
    assert code == 0, said
    assert states(here) == ["finished", "finished"]
    assert read_json(folder(here) / "000" / "metrics.json")["train"]["resumed_from_step"] > 0


def test_trials_of_joblib_share_data_and_baseline_and_stop_with_a_checkpoint(here: Path) -> None:
    words = [
        "peft.r=2,4", "eval=[perplexity]", "eval.perplexity.max_samples=4",
        "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "trainer.max_steps=40",
    ]  # fmt: skip
    child = begin(here, *words, start_new_session=True)
    wait_for(lambda: has_trained(here, 0, 2) and has_trained(here, 1, 2))
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does
    said, _ = child.communicate(timeout=120)
    assert child.returncode == 130, said
    assert states(here) == ["interrupted", "interrupted"]
    for number in ("000", "001"):
        assert list((folder(here) / number / "checkpoints").glob("checkpoint-*"))
    logs = [(folder(here) / number / "log.txt").read_text() for number in ("000", "001")]
    for built, found in (("rows of builtin:faq/train.jsonl", "prepare   known"),
                         ("baseline  base: measuring", "baseline  base: known")):  # fmt: skip
        assert sum(built in log for log in logs) == 1
        assert sum(found in log for log in logs) == 1
    code, said = sweep(here, *words)
    assert code == 0, said
    assert states(here) == ["finished", "finished"]
    check_schemas(here)


def test_trials_of_joblib_end_with_a_killed_sweep_and_go_on_with_the_next_start(here: Path) -> None:
    words = ["peft.r=2,4", "sweep.n_jobs=2", "trainer.max_steps=120"]
    child = begin(here, *words)
    wait_for(lambda: has_trained(here, 0, 2) and has_trained(here, 1, 2))
    child.kill()
    child.wait()
    code, said = sweep(here, *words)
    assert code == 0, said
    assert states(here) == ["finished", "finished"]
    for number in ("000", "001"):
        lines = (folder(here) / number / "history.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines] == list(range(1, 121))


def test_a_second_start_of_a_sweep_that_goes_on_is_refused(here: Path) -> None:
    words = ["seed=1,2", "trainer.max_steps=200"]
    child = begin(here, *words)
    wait_for(lambda: has_trained(here, 0))
    code, said = sweep(here, *words)
    assert code == 2
    assert "going on in another process" in said
    child.kill()
    child.communicate(timeout=60)


def test_submitit_starts_every_trial_as_a_job_of_its_own(here: Path) -> None:
    code, said = sweep(here, "seed=1,2", "hydra/launcher=submitit_local", "sweep.n_jobs=1")
    assert code == 0, said
    assert states(here) == ["finished", "finished"]
    assert len(list((folder(here) / ".submitit").glob("*/*_result.pkl"))) == 2


def test_a_ready_made_sweep_is_one_word_and_goes_on_after_a_kill(here: Path) -> None:
    words = ["+sweep=lora_rank_lr", "sweep.n_trials=3"]
    child = begin(here, *words)
    wait_for(lambda: has_trained(here, 1))
    child.kill()
    child.communicate(timeout=60)
    begun = [trial["overrides"] for trial in trials(here)]
    code, said = sweep(here, *words)
    assert code == 0, said
    assert states(here) == ["finished"] * 3
    assert [trial["overrides"] for trial in trials(here)][: len(begun)] == begun
    import optuna

    study = optuna.load_study(study_name="sweep", storage=f"sqlite:///{folder(here)}/study.db")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3
    check_schemas(here)


def test_a_trial_behind_the_others_is_pruned(here: Path) -> None:
    # The first rate learns, the second hardly: the median pruner needs one trial to compare with.
    (here / "two.yaml").write_text(
        "space: {trainer.learning_rate: '5e-3,1e-9'}\n"
        "sampler: grid\npruner: median\nn_startup_trials: 1\n"
    )
    words = [
        "sweep=two.yaml", "trainer.max_steps=200", "trainer.eval_steps=20",
        "trainer.warmup_steps=0",
        "trainer.lr_scheduler_type=constant",
    ]  # fmt: skip
    code, said = sweep(here, *words)
    assert code == 0, said
    assert states(here) == ["finished", "pruned"]
    assert "behind the others" in trials(here)[1]["reason"]
    lines = (folder(here) / "001" / "history.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] < 200


def test_the_sweep_is_done_in_this_process_too(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert front.sweep([*TINY, "seed=1"]) == 0
    assert states(here) == ["finished"]
