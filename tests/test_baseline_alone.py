"""`evaluate +recipe=x`: what a run is held against, measured before there is a run."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.rundir import RunDir, read_json

WORDS = ["+recipe=quickstart", "eval=[qa,perplexity]", "eval.qa.max_samples=4", "export=[]"]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


def test_nothing_to_measure_is_refused(cli: Cli) -> None:
    said = cli("evaluate", "+recipe=quickstart", "eval=[]")
    assert said.code == 2
    assert "choose suites: eval=[qa,perplexity]" in said.err


def test_a_typo_in_a_recipe_is_no_run_directory(cli: Cli) -> None:
    said = cli("evaluate", "+recipe=quickstrat")
    assert said.code == 2
    assert "did you mean quickstart" in said.err


@pytest.mark.slow
def test_the_baseline_alone_is_taken_over_by_the_run_that_follows(
    here: Path, process: Process
) -> None:
    alone = process("-m", "ftrecipe", "evaluate", *WORDS)
    assert alone.returncode == 0, alone.stdout + alone.stderr
    (first,) = here.glob("runs/quickstart/*/run.json")
    measured = read_json(RunDir(first.parent).metrics)
    assert set(measured["base"]) == {"qa", "perplexity"}
    assert "tuned" not in measured
    assert not (first.parent / "adapter").exists()

    whole = process("-m", "ftrecipe", *WORDS, "trainer.max_steps=1")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "base: known from an earlier run" in whole.stdout
    (second,) = set(here.glob("runs/quickstart/*/run.json")) - {first}
    assert read_json(RunDir(second.parent).metrics)["base"] == measured["base"]
