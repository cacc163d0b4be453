"""What a run will write is known before it begins, and one that has no room is refused."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.compose import compose
from ftrecipe.disk import Part, checkpoints, written
from ftrecipe.settle import settle

WORDS = ["recipe=quickstart", "hardware=cpu"]


def parts(*words: str, steps: int | None = 100) -> dict[str, Part]:
    run = settle(compose([*WORDS, *words]).run).run
    return {part.name: part for part in written(run, steps) or []}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 10 MB, mounted for this test."""
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


# Sizes of files that runs of these methods left, without headers and tokenizers (2026-11-22).
@pytest.mark.parametrize(
    ("words", "checkpoint", "result"),
    [
        (["peft=lora"], 988_424 + 2_001_035, 988_424),
        (["peft=full", "export=[merged]"], 12_331_048 + 24_680_408, 12_331_048),
        (["peft=freeze", "export=[merged]"], 12_331_048 + 13_655_353, 12_331_048),
    ],
    ids=["lora", "full", "freeze"],
)
def test_a_plan_states_what_such_runs_left(words: list[str], checkpoint: int, result: int) -> None:
    planned = parts(*words)
    assert planned["checkpoint"].size == pytest.approx(checkpoint, rel=0.03)
    assert planned["result"].size == pytest.approx(result, rel=0.01)


def test_a_merged_export_is_as_large_as_the_model_in_sixteen_bits() -> None:
    assert parts("peft=lora")["export/merged"].size == pytest.approx(6_167_096, rel=0.01)


def test_checkpoints_are_those_kept_and_the_one_being_written() -> None:
    run = compose([*WORDS, "trainer.save_steps=10", "trainer.save_total_limit=2"]).run
    assert checkpoints(run, None) == 3
    assert checkpoints(run, 100) == 3
    assert checkpoints(run, 15) == 2
    assert checkpoints(run, 4) == 1


def test_sixty_four_gigabytes_of_optimizer_states_are_counted() -> None:
    planned = parts("model=llama3_1_8b", "peft=full", "export=[]")
    numbers = 8_030_261_248
    assert planned["checkpoint"].size == pytest.approx(numbers * (4 + 8), rel=0.001)


def test_nothing_is_said_of_a_model_whose_size_is_not_known() -> None:
    run = compose([*WORDS, "model=some/model"]).run
    assert written(run, 100) is None


def test_a_plan_shows_its_disk_to_people_and_machines(cli: Cli) -> None:
    said = cli("plan", "+recipe=quickstart")
    assert "\ndisk      about " in said.out
    assert "free\n" in said.out
    plan = json.loads(cli("plan", "--json", "+recipe=quickstart").out)
    assert plan["disk"]["bytes"] == round(
        sum(part["size"] * part["count"] for part in plan["disk"]["parts"])
    )


def test_a_run_that_the_disk_cannot_hold_is_refused_with_numbers_and_what_helps(
    cli: Cli, small: Path
) -> None:
    said = cli(
        "run", "+recipe=quickstart", "peft=full", "export=[merged]", f"runs_dir={small}/runs",
        "trainer.save_steps=100",
    )  # fmt: skip
    assert said.code == 2
    assert (
        f"runs_dir={small}/runs: this run writes about 94.1 MiB and 10.0 MiB are free" in said.err
    )
    assert "2 checkpoints of 35.3 MiB, result 11.8 MiB, export/merged 11.8 MiB" in said.err
    for way in ("trainer.save_steps=195 (58.8 MiB)", "export=[] (82.3 MiB)", "peft=lora ("):
        assert way in said.err
    assert not (small / "runs").exists()


def test_a_run_changed_as_advised_fits(cli: Cli, small: Path) -> None:
    words = ["plan", "+recipe=quickstart", f"runs_dir={small}/runs"]
    said = cli(*words)
    assert "export=[] (3.8 MiB)" in said.err
    assert cli(*words, "export=[]").code == 0


def test_a_run_for_gpus_that_are_not_here_is_not_held_against_this_disk(
    cli: Cli, small: Path
) -> None:
    said = cli(
        "plan", "+recipe=quickstart", "model=llama3_1_8b", "hardware=gpu_8x80gb",
        f"runs_dir={small}/runs",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "disk      about " in said.out
