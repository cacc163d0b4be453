import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Scripted, question

from ftrecipe.components.eval.custom import Custom
from ftrecipe.errors import ConfigError, StageError
from ftrecipe.lock.surroundings import versions

SOURCE = """
def manners(question, expected, answer):
    return {"politeness": float("please" in answer), "length": len(answer)}

def broken(question, expected, answer):
    return expected[7]

def wordy(question, expected, answer):
    return "very good"

def endless(question, expected, answer):
    return {"score": float("nan")}
"""
POINTS = """[ftrecipe.metrics]
manners = house_metrics:manners
broken = house_metrics:broken
wordy = house_metrics:wordy
endless = house_metrics:endless
lost = house_metrics:nothing
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package as pip leaves it: a module, and what says which functions it offers."""
    (tmp_path / "house_metrics.py").write_text(SOURCE)
    told = tmp_path / "house_metrics-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: house-metrics\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("house_metrics", None)


ASKED = [question(1, "yes"), question(2, "no")]
ANSWERS = ["please", "go!"]


@pytest.mark.usefixtures("package")
def test_a_packages_function_judges_the_answers():
    suite = Custom(name="manners", higher_is_better=["politeness"])
    found = suite.measure(Scripted(ASKED, ANSWERS))
    assert found.metrics == {"politeness": 50, "length": 4.5, "questions": 2} | {"politeness": 0.5}
    assert found.rows[0]["metrics"] == {"politeness": 1, "length": 6}


def test_the_lists_say_which_way_is_better_and_what_to_name_first():
    suite = Custom(higher_is_better=["politeness"], lower_is_better=["length"])
    assert suite.directions == {"politeness": "max", "length": "min"}
    assert suite.headline == "politeness"
    assert Custom(lower_is_better=["length"]).headline == "length"
    assert Custom().directions == {"score": "max"}
    assert suite.direction("words") is None


@pytest.mark.usefixtures("package")
def test_an_unknown_name_is_refused_with_the_nearest_one_and_nothing_is_imported():
    (fault,) = Custom(name="maners").faults()
    assert "is not installed; did you mean manners?" in fault
    assert "house_metrics" not in sys.modules


def test_a_name_has_to_be_given():
    assert "eval.custom.name=<entry point>" in Custom().faults()[0]


@pytest.mark.usefixtures("package")
def test_metrics_that_contradict_each_other_are_refused():
    both = Custom(name="manners", higher_is_better=["a"], lower_is_better=["a"])
    assert both.faults() == ["lower_is_better: a is in higher_is_better too"]
    other = Custom(name="manners", higher_is_better=["politeness"], headline="polite")
    assert "did you mean politeness?" in other.faults()[0]


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("broken", "on data.csv line 1 it failed: IndexError"),
        ("wordy", "on data.csv line 1 it gave 'very good'"),
        ("endless", "on data.csv line 1 it gave 'score': nan"),
    ],
)
def test_what_a_function_does_wrong_is_told_with_the_place(name, told):
    with pytest.raises(StageError, match=told):
        Custom(name=name).measure(Scripted(ASKED, ANSWERS))


@pytest.mark.usefixtures("package")
def test_a_function_that_is_not_there_is_told():
    with pytest.raises(ConfigError, match="house_metrics:nothing"):
        Custom(name="lost").measure(Scripted(ASKED, ANSWERS))


@pytest.mark.usefixtures("package")
def test_a_metric_that_is_never_given_is_told_with_those_that_are():
    with pytest.raises(ConfigError, match="never gave score, but length, politeness"):
        Custom(name="manners").measure(Scripted(ASKED, ANSWERS))


def test_the_functions_source_is_part_of_a_baselines_key(package):
    suite = Custom(name="manners")
    assert suite.files() == {"name": package / "house_metrics.py"}


@pytest.mark.usefixtures("package")
def test_the_packages_version_is_a_part_of_the_lock():
    assert versions()["house-metrics"] == "1.0"
