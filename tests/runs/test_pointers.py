"""Names that point to runs: what follows from the events, also where runs are gone or many act."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from answers import ROOT

from ftrecipe.errors import ConfigError
from ftrecipe.folders import shelf
from ftrecipe.pointers import Pointer, check_name, promote, read_all, rollback
from ftrecipe.rundir import RunDir, read_json

MakeRun = Callable[..., RunDir]
NAME = "bot@production"
RUNS = Path("runs")


@pytest.fixture
def three(make_run: MakeRun) -> list[RunDir]:
    """Three runs, named one after the other."""
    made = [
        RunDir(RUNS / make_run(f"quick/{at}").path.relative_to(RUNS.absolute())) for at in "abc"
    ]
    for run in made:
        promote(RUNS, run, NAME)
    return made


def pointer() -> Pointer:
    return read_all(shelf(RUNS))[NAME]


def where() -> str:
    run = pointer().run
    assert run is not None
    return run.name


def test_a_name_points_to_the_run_promoted_last(three: list[RunDir]) -> None:
    assert where() == "c"
    assert [event.replaced for event in pointer().events] == [None, "quick/a", "quick/b"]


def test_rollback_goes_back_one_by_one_and_then_refuses(three: list[RunDir]) -> None:
    rollback(RUNS, NAME)
    assert where() == "b"
    rollback(RUNS, NAME)
    assert where() == "a"
    with pytest.raises(ConfigError, match="no run before"):
        rollback(RUNS, NAME)


def test_a_promotion_after_a_rollback_goes_on_from_there(
    three: list[RunDir], make_run: MakeRun
) -> None:
    rollback(RUNS, NAME)
    make_run("quick/d")
    promote(RUNS, RunDir(RUNS / "quick/d"), NAME)
    assert where() == "d"
    rollback(RUNS, NAME)
    assert where() == "b", "c was taken back before d came"


def test_no_event_is_ever_lost(three: list[RunDir]) -> None:
    rollback(RUNS, NAME)
    promote(RUNS, three[2], NAME)
    told = [(event.action, event.run[-1]) for event in pointer().events]
    assert told == [
        ("promote", "a"), ("promote", "b"), ("promote", "c"), ("rollback", "b"), ("promote", "c"),
    ]  # fmt: skip


def test_promoting_what_has_the_name_already_is_no_event(three: list[RunDir]) -> None:
    assert promote(RUNS, three[2], NAME) is None
    assert len(pointer().events) == 3


def test_a_name_falls_back_where_its_run_was_removed(three: list[RunDir]) -> None:
    shutil.rmtree(three[2].path)
    assert (where(), pointer().gone) == ("b", ["quick/c"])


def test_rollback_passes_over_a_run_that_was_removed(three: list[RunDir]) -> None:
    shutil.rmtree(three[1].path)
    rollback(RUNS, NAME)
    assert where() == "a"


def test_a_promotion_heals_a_name_whose_run_was_removed(three: list[RunDir]) -> None:
    shutil.rmtree(three[2].path)
    assert promote(RUNS, three[1], NAME) is not None
    assert (where(), pointer().gone) == ("b", [])


def test_a_name_whose_runs_are_all_gone_is_gone(three: list[RunDir]) -> None:
    for run in three:
        shutil.rmtree(run.path)
    assert read_all(shelf(RUNS)) == {}


def test_a_copy_of_a_run_does_not_take_its_name(three: list[RunDir]) -> None:
    shutil.copytree(three[2].path, RUNS / "quick" / "a-copy")
    shutil.copytree(three[2].path, RUNS / "quick" / "z-copy")
    assert where() == "c"


def test_names_of_several_stages_do_not_mix(three: list[RunDir]) -> None:
    promote(RUNS, three[0], "bot@staging")
    found = read_all(shelf(RUNS))
    assert {name: one.run and one.run.name for name, one in found.items()} == {
        NAME: "c", "bot@staging": "a",
    }  # fmt: skip


def test_the_files_are_as_their_schema_says(three: list[RunDir]) -> None:
    rollback(RUNS, NAME)
    schema = json.loads((ROOT / "ftrecipe/schemas/pointers.json").read_text("utf-8"))
    for run in three:
        jsonschema.validate(read_json(run.pointers), schema)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is not valid JSON"),
        ("[]", "holds no events"),
        ('{"events": [{}]}', "holds no events"),
    ],
)
def test_a_broken_file_is_told_and_decides_nothing(
    text: str, fault: str, three: list[RunDir]
) -> None:
    three[0].pointers.write_text(text)
    with pytest.raises(ConfigError, match=fault):
        read_all(shelf(RUNS))


@pytest.mark.parametrize(
    "name",
    ["bot", "@production", "bot@", "Bot@production", "bot@a@b", "../bot@x", "bot/x@y", "-bot@x",
     "bot@x y", "bot@x\n", ""],
)  # fmt: skip
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name for a run"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("Support Bot@Production", "support-bot@production"), ("bot", "bot@production")],
)
def test_what_is_almost_a_name_is_answered_with_it(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"did you mean {meant}"):
        check_name(name)


def test_promotions_at_the_same_time_are_all_kept(three: list[RunDir]) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from ftrecipe.pointers import promote\nfrom ftrecipe.rundir import RunDir\n"
        "for _ in range(5):\n"
        f"    promote(Path('runs'), RunDir(Path('runs/quick', sys.argv[1])), {NAME!r})\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script, run], env={"PYTHONPATH": str(ROOT)})
        for run in "ab"
    ]
    assert [one.wait(timeout=60) for one in started] == [0, 0]
    numbers = [event.number for event in pointer().events]
    assert numbers == list(range(1, len(numbers) + 1)), "each saw the one before"
