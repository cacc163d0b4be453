"""The verb diff, on recipes, runs and locks, in any mix."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.lock.results import results
from ftrecipe.rundir import RunDir, read_json, write_json

Sealed = Callable[..., RunDir]


def measured(run: RunDir, loss: float, seconds: float) -> None:
    """Give a run the files that a training leaves."""
    steps = [{"step": n, "epoch": 1.0, "loss": loss / n} for n in (1, 2)]
    run.history.write_text("".join(json.dumps(step) + "\n" for step in steps))
    taken = {"loss": loss, "steps": 2, "seconds": seconds}
    write_json(run.metrics, {"tuned": {"qa": {"exact_match": loss}}, "train": taken})


def items(cli: Cli, *words: str) -> dict[str, tuple[object, object]]:
    said = cli("diff", *words, "--json")
    return {one["item"]: (one["a"], one["b"]) for one in json.loads(said.out)["differences"]}


def test_a_recipe_does_not_differ_from_itself(cli: Cli) -> None:
    said = cli("diff", "quickstart", "quickstart")
    assert said.code == 0
    assert "no differences in config" in said.out


def test_two_recipes_differ_in_what_they_set(cli: Cli) -> None:
    said = cli("diff", "quickstart", "lora_smollm2_135m")
    assert said.code == 1
    assert "trainer.learning_rate" in said.out
    assert "0.003 → 0.0005" in said.out
    assert "peft.r " not in said.out  # both have it


def test_a_recipe_file_is_compared_with_a_recipe(
    cli: Cli, recipe: Callable[[str, str], Path]
) -> None:
    recipe("mine", "defaults: [/recipe/quickstart]\npeft: {r: 4}\n")
    assert items(cli, "quickstart", "recipes/mine.yaml") == {"peft.r": (16, 4)}


def test_two_runs_differ_in_config_data_and_results(
    cli: Cli, faq: str, here: Path, sealed: Sealed
) -> None:
    a = sealed(f"dataset={faq}", "peft.r=4", "eval=[qa]")
    (here / faq).write_text("question,answer\nWho?,Me.\n")
    b = sealed(f"dataset={faq}", "peft.r=8", "eval=[qa]")
    measured(a, 2.0, 1.0)
    measured(b, 1.0, 3.0)
    found = items(cli, str(a.path), str(b.path))
    assert found["peft.r"] == (4, 8)
    assert found["tuned.qa.exact_match"] == (2.0, 1.0)
    assert found["train.seconds"] == (1.0, 3.0)
    assert {"dataset.path", "losses", "train.loss"} <= found.keys()
    assert "versions" not in {name.partition(".")[0] for name in found}


def test_time_that_a_run_took_is_shown_and_not_counted(cli: Cli, faq: str, sealed: Sealed) -> None:
    a, b = sealed(f"dataset={faq}"), sealed(f"dataset={faq}")
    measured(a, 2.0, 1.0)
    measured(b, 2.0, 3.0)
    said = cli("diff", str(a.path), str(b.path))
    assert said.code == 0
    assert "train.seconds" in said.out
    assert "no differences in config, data, versions, results" in said.out


def test_a_lock_away_from_its_run_is_compared_with_a_run(
    cli: Cli, faq: str, here: Path, sealed: Sealed
) -> None:
    run, other = sealed(f"dataset={faq}"), sealed(f"dataset={faq}", "seed=7")
    measured(run, 2.0, 1.0)
    lock = read_json(run.lock_json)
    lock.pop("schema_version")
    write_json(here / "theirs.json", lock | {"results": results(run)})
    shutil.rmtree(run.path)
    assert items(cli, "theirs.json", str(other.path))["seed"] == (42, 7)


def test_what_a_recipe_cannot_say_is_not_passed_over_in_silence(
    cli: Cli, faq: str, sealed: Sealed
) -> None:
    run = sealed("recipe=quickstart")
    said = cli("diff", str(run.path), "quickstart")
    assert "not compared: data (only of a), versions (only of a)" in said.out


def test_a_name_like_a_recipe_is_answered_with_it(cli: Cli) -> None:
    said = cli("diff", "quickstrat", "quickstart")
    assert said.code == 2
    assert "did you mean quickstart?" in said.err


def test_faults_of_both_sides_are_told_together(cli: Cli, here: Path) -> None:
    (here / "broken.json").write_text("{")
    (here / "empty").mkdir()
    said = cli("diff", "broken.json", "empty")
    assert said.code == 2
    assert "is not valid JSON" in said.err
    assert "empty is not a run directory" in said.err


@pytest.mark.parametrize("words", [[], ["quickstart"], ["a", "b", "c"]])
def test_diff_needs_two(words: list[str], cli: Cli) -> None:
    said = cli("diff", *words)
    assert said.code == 2
    assert "diff needs two" in said.err
