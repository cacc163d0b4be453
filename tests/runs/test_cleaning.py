"""What `runs clean` removes, and what it never does."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import Cli

from ftrecipe.flock import held
from ftrecipe.rundir import RunDir, hold, write_json
from ftrecipe.runs import cleaning

MakeRun = Callable[..., RunDir]
KEYS = ("a" * 16, "b" * 16)
MARK = "0" * 64


def prepared(folder: Path, text: str = "rows") -> Path:
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(text)
    return folder


@pytest.fixture
def cache(here: Path, make_run: MakeRun) -> Path:
    """A cache with two folders of prepared data, one of which a run points to, and a check."""
    used, _ = (prepared(here / "runs" / ".cache" / key) for key in KEYS)
    run = make_run("quick/1")
    write_json(run.prepared, {"path": str(used), "fingerprint": MARK})
    make_run("check_faq/2", stages=("prepare",))
    return used.parent


def names(here: Path, days: float = cleaning.DAYS) -> set[str]:
    return {one.path.name for one in cleaning.found(here / "runs", days).waste}


def test_nothing_is_removed_before_it_is_asked_for(cache: Path, cli: Cli) -> None:
    said = cli("runs", "clean")
    assert said.code == 0
    assert "runs/.cache/bbbbbbbbbbbbbbbb  prepared data that no run points to" in said.out
    assert "nothing is removed yet: add --yes" in said.out
    assert (cache / KEYS[1]).is_dir()


def test_what_a_run_points_to_stays_and_the_rest_goes(here: Path, cache: Path, cli: Cli) -> None:
    said = cli("runs", "clean", "--yes")
    assert "removed   " in said.out
    assert (cache / KEYS[0]).is_dir()
    assert not (cache / KEYS[1]).exists()
    assert not (here / "runs" / "check_faq").exists()
    assert (here / "runs" / "quick" / "1").is_dir()
    assert "nothing to remove" in cli("runs", "clean").out


def test_data_is_known_by_its_name_where_runs_were_moved(
    here: Path, cache: Path, make_run: MakeRun
) -> None:
    elsewhere = str(here / "before" / ".cache" / KEYS[1])
    write_json(make_run("quick/3").prepared, {"path": elsewhere, "fingerprint": MARK})
    assert names(here) == {"2"}


def test_what_a_run_came_to_need_meanwhile_stays(
    here: Path, cache: Path, make_run: MakeRun
) -> None:
    found = cleaning.found(here / "runs")
    told: list[str] = []
    write_json(make_run("quick/3").prepared, {"path": str(cache / KEYS[1]), "fingerprint": MARK})
    cleaning.remove(found, told.append)
    assert (cache / KEYS[1]).is_dir()
    assert told == [f"kept      {cache / KEYS[1]}: a run began that may need it"]


def test_a_link_is_not_followed_to_what_it_names(here: Path, cache: Path) -> None:
    (cache / KEYS[1]).rename(here / "large")
    (cache / KEYS[1]).symlink_to(here / "large")
    (here / "runs" / "check_faq").rename(here / "checked")
    (here / "runs" / "check_faq").mkdir()
    (here / "runs" / "check_faq" / "2").symlink_to(here / "checked" / "2")
    assert names(here) == set()


def test_the_data_of_a_suite_is_pointed_to_as_well(
    here: Path, cache: Path, make_run: MakeRun
) -> None:
    own = {"path": str(cache / KEYS[1]), "fingerprint": MARK, "named": "x.jsonl"}
    run = make_run("quick/3")
    write_json(
        run.prepared,
        {"path": str(cache / KEYS[0]), "fingerprint": MARK, "suites": {"qa": own}},
    )
    assert names(here) == {"2"}


def test_a_run_that_goes_on_keeps_all_of_the_cache(here: Path, cache: Path) -> None:
    with hold(RunDir(here / "runs" / "quick" / "1")):
        found = cleaning.found(here / "runs")
    assert {one.path.name for one in found.waste} == {"2"}
    assert found.notes == ["1 run going on: the cache, which it may read, is left alone"]


def test_a_check_that_is_marked_stays(here: Path, cache: Path) -> None:
    check = RunDir(here / "runs" / "check_faq" / "2")
    write_json(check.tags, {"tags": ["keep"]})
    assert names(here) == {KEYS[1]}


def test_scratch_of_the_living_stays_and_that_of_the_dead_goes(here: Path, cache: Path) -> None:
    scratch = prepared(cache / f".{KEYS[0]}.x1y2")
    assert scratch.name in names(here)
    with held(cache / "locks" / f"data-{KEYS[0]}"):
        assert scratch.name not in names(here)


def test_what_somebody_holds_by_now_is_left(here: Path, cache: Path) -> None:
    found = cleaning.found(here / "runs")
    told: list[str] = []
    with held(cache / "locks" / f"data-{KEYS[1]}"):
        cleaning.remove(found, told.append)
    assert (cache / KEYS[1]).is_dir()
    assert len(told) == 1


def test_half_written_exports_and_checkpoints_of_the_dead_go(here: Path, make_run: MakeRun) -> None:
    run = make_run("quick/1")
    for folder in (run.export / ".merged", run.export / "adapter", run.checkpoints / ".c-2"):
        folder.mkdir(parents=True)
    assert names(here) == {".merged", ".c-2"}
    with hold(run):
        assert names(here) == set()


def test_bases_go_once_they_are_old(here: Path, cache: Path) -> None:
    old, fresh = (cache / "baseline" / f"{key * 2}.json" for key in KEYS)
    for file in (old, fresh):
        write_json(file, {})
    os.utime(old, (0, 0))
    assert old.name in names(here)
    assert fresh.name not in names(here)
    assert fresh.name in names(here, days=0)


def test_a_run_that_does_not_say_where_its_data_is_stops_it(
    here: Path, cache: Path, cli: Cli
) -> None:
    write_json(RunDir(here / "runs" / "quick" / "1").prepared, {"path": 3})
    said = cli("runs", "clean", "--yes")
    assert said.code == 2
    assert "prepared.json: path is no string" in said.err
    assert (cache / KEYS[1]).is_dir()


def test_days_are_a_number(cli: Cli) -> None:
    assert "--older week: how many days?" in cli("runs", "clean", "--older", "week").err


def test_runs_are_compared_where_no_page_can_be_written(
    here: Path, make_run: MakeRun, cli: Cli
) -> None:
    first, second = make_run("quick/1"), make_run("quick/2")
    (here / "runs" / "compare.html").mkdir()
    said = cli("runs", "compare", str(first.path), str(second.path))
    assert said.code == 0, said.err
    assert "no page   runs/compare.html: Is a directory; add --output FILE.html" in said.out
