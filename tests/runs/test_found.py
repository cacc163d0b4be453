"""Which run is meant by a name, and what is said where that is not plain."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ftrecipe.errors import ConfigError
from ftrecipe.folders import shelf
from ftrecipe.found import NoSuchRun, find_run, looked_in
from ftrecipe.pointers import promote
from ftrecipe.rundir import RunDir

MakeRun = Callable[..., RunDir]


@pytest.fixture
def some(make_run: MakeRun) -> list[Path]:
    """Runs of two recipes, one of them in a folder of a team."""
    make_run("quick/2026-11-01_10-00-00", started="2026-11-01T10:00:00+00:00")
    make_run("quick/2026-11-02_10-00-00", started="2026-11-02T10:00:00+00:00")
    make_run("quick/2026-11-03_10-00-00", "failed", started="2026-11-03T10:00:00+00:00")
    make_run("team/deep/2026-11-04_10-00-00")
    return shelf(Path("runs")).runs


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("runs/quick/2026-11-01_10-00-00", "quick/2026-11-01_10-00-00"),
        ("quick/2026-11-01_10-00-00", "quick/2026-11-01_10-00-00"),
        ("quick/2026-11-03", "quick/2026-11-03_10-00-00"),
        ("runs/quick/2026-11-03", "quick/2026-11-03_10-00-00"),
        ("quick", "quick/2026-11-02_10-00-00"),
        ("runs/quick/", "quick/2026-11-02_10-00-00"),
        ("quick/latest", "quick/2026-11-02_10-00-00"),
        ("team/deep", "team/deep/2026-11-04_10-00-00"),
        ("team", "team/deep/2026-11-04_10-00-00"),
    ],
)
def test_a_run_is_found_by_folder_recipe_or_beginning(
    name: str, meant: str, some: list[Path]
) -> None:
    assert find_run(name).path.resolve() == Path("runs", meant).resolve()


def test_an_absolute_folder_outside_of_runs_is_a_run(some: list[Path], tmp_path: Path) -> None:
    elsewhere = tmp_path / "moved"
    shutil.move(some[0], elsewhere)
    assert find_run(str(elsewhere)).path == elsewhere


def test_a_beginning_of_several_runs_is_answered_with_all_of_them(some: list[Path]) -> None:
    with pytest.raises(ConfigError, match="which of 3 runs") as told:
        find_run("quick/2026-11")
    assert all(f"quick/2026-11-0{day}_10-00-00" in str(told.value) for day in (1, 2, 3))


@pytest.mark.parametrize(
    "name", ["quick/2026-11-0", "quick/2026-11-03_1", "qui", "quick/2026-11-03_10-00-0"]
)
def test_a_beginning_ends_where_a_part_of_the_name_ends(name: str, some: list[Path]) -> None:
    with pytest.raises(NoSuchRun):
        find_run(name)


def test_a_word_that_is_almost_a_recipe_is_answered_with_it(some: list[Path]) -> None:
    with pytest.raises(NoSuchRun, match="did you mean quick"):
        find_run("quikc")


def test_a_folder_that_is_no_run_is_told_as_such(some: list[Path]) -> None:
    Path("notes").mkdir()
    with pytest.raises(NoSuchRun, match=r"notes is not a run directory \(it has no run.json\)"):
        find_run("notes")


@pytest.mark.parametrize("name", ["", " ", ".", "..", "../..", "runs", "/"])
def test_what_names_no_run_is_refused(name: str, some: list[Path]) -> None:
    with pytest.raises(NoSuchRun):
        find_run(name)


def test_a_recipe_without_a_finished_run_says_what_its_runs_are(make_run: MakeRun) -> None:
    make_run("quick/2026-11-01_10-00-00", "failed")
    with pytest.raises(ConfigError, match=r"has finished training .2026-11-01_10-00-00 failed"):
        find_run("quick")


def test_the_newest_run_of_a_recipe_is_one_that_trained(make_run: MakeRun) -> None:
    make_run("quick/2026-11-01_10-00-00")
    make_run("quick/2026-11-02_10-00-00", stages=("prepare",), started="2026-11-02T10:00:00+00:00")
    make_run(
        "quick/2026-11-03_10-00-00",
        stages=("prepare", "baseline", "report"),
        started="2026-11-03T10:00:00+00:00",
    )
    assert find_run("quick").path.name == "2026-11-01_10-00-00"


def test_a_recipes_newest_run_is_no_trial_of_a_sweep(make_run: MakeRun) -> None:
    make_run("quick/2026-11-01_10-00-00")
    make_run("quick/sweep_2026-11-09/000", started="2026-11-09T10:00:00+00:00")
    (Path("runs") / "quick/sweep_2026-11-09/sweep.json").write_text("{}")
    assert find_run("quick").path.name == "2026-11-01_10-00-00"
    assert find_run("quick/sweep_2026-11-09/000").path.name == "000"


def test_runs_are_looked_for_where_the_line_says(make_run: MakeRun, here: Path) -> None:
    make_run("quick/2026-11-01_10-00-00")
    (here / "runs").rename(here / "others")
    place, rest = looked_in(["a=1", "runs_dir=others"])
    assert rest == ["a=1"]
    assert find_run("quick", place).path == Path("others/quick/2026-11-01_10-00-00")
    with pytest.raises(NoSuchRun):
        find_run("quick")


def test_a_name_is_found_in_the_folder_that_was_moved(make_run: MakeRun, here: Path) -> None:
    run = make_run("quick/2026-11-01_10-00-00")
    promote(here / "runs", run, "bot@production")
    run.path.rename(here / "runs" / "kept")
    assert find_run("bot@production").path == Path("runs/kept")


def test_a_name_whose_run_is_gone_falls_back_and_says_so(
    make_run: MakeRun, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = make_run("quick/1"), make_run("quick/2")
    promote(here / "runs", first, "bot@production")
    promote(here / "runs", second, "bot@production")
    shutil.rmtree(second.path)
    assert find_run("bot@production").path == Path("runs/quick/1")
    assert "quick/2 is gone; runs/quick/1 is the one before" in capsys.readouterr().err


def test_a_name_that_is_almost_another_is_answered_with_it(make_run: MakeRun, here: Path) -> None:
    promote(here / "runs", make_run("quick/1"), "bot@production")
    with pytest.raises(ConfigError, match="did you mean bot@production"):
        find_run("bot@prodution")


def test_hidden_folders_exports_and_checkpoints_hold_no_runs(make_run: MakeRun) -> None:
    run = make_run("quick/1")
    for below in ("export/merged", "checkpoints/checkpoint-1"):
        (run.path / below).mkdir(parents=True)
        shutil.copy(run.run, run.path / below / "run.json")
    shutil.copytree(run.path, Path("runs/.cache/quick/1"))
    assert [path.name for path in shelf(Path("runs")).runs] == ["1"]


def test_links_that_lead_in_circles_are_followed_once(make_run: MakeRun, here: Path) -> None:
    make_run("quick/1")
    os.symlink(here / "runs", here / "runs" / "quick" / "again")
    os.symlink(here / "runs" / "quick", here / "runs" / "linked")
    assert {path.name for path in shelf(here / "runs").runs} == {"1"}
    assert len(shelf(here / "runs").runs) <= 2


def test_a_run_on_another_disk_is_found_by_its_link(make_run: MakeRun, here: Path) -> None:
    run = make_run("quick/1")
    run.path.rename(here / "elsewhere")
    os.symlink(here / "elsewhere", run.path)
    assert shelf(here / "runs").runs == [run.path]


def test_a_whole_time_is_that_run_and_not_the_next_of_its_second(make_run: MakeRun) -> None:
    make_run("quick/2026-11-01_10-00-00-2")
    with pytest.raises(NoSuchRun):
        find_run("quick/2026-11-01_10-00-00")
