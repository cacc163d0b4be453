"""What gates said of trials: in every table, and beside the announcement of the best."""

import csv
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from answers import ROOT

from ftrecipe.rundir import read_json, write_json
from ftrecipe.sweep.book import Book
from ftrecipe.sweep.book import Trial as Recorded
from ftrecipe.sweep.page import table, write
from ftrecipe.sweep.page.sections import ranking
from ftrecipe.sweep.page.story import Story, Trial, read_story
from ftrecipe.sweep.page.words import findings, verdict
from ftrecipe.sweep.trial import close

SWEEP: dict[str, Any] = {
    "name": "lr", "words": ["trainer.learning_rate=1,2"], "working_dir": "/somewhere",
    "objective": "tuned.qa.exact_match", "direction": "maximize", "sweeper": "grid",
    "swept": ["trainer.learning_rate"], "state": "finished", "settings": None,
    "started": "2026-01-02T03:04:05+00:00", "ended": None,
}  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """A sweep of two trials that came to their ends: the better one failed its gate."""
    write_json(tmp_path / "sweep.json", SWEEP)
    book = Book(tmp_path)
    for number, (value, passed) in enumerate([(85.0, False), (70.0, True)]):
        trial = Recorded(number, {"trainer.learning_rate": str(number)}, "finished")
        rundir = book.rundir(trial)
        write_json(rundir.run, {})
        (rundir.export / "merged").mkdir(parents=True)
        write_json(rundir.metrics, {
            "objective": value, "gate": {"passed": passed, "conditions": []},
            "exports": {"merged": {"verdict": "degraded", "reasons": []}},
        })  # fmt: skip
        book.write(trial)
    return book


@pytest.fixture
def closed(book: Book, monkeypatch: pytest.MonkeyPatch) -> Book:
    """The same with its trials recorded; pages are written by the tests."""
    monkeypatch.setattr("ftrecipe.sweep.page.write", lambda folder: None)
    for trial in book.trials():
        close(book, trial)
    for trial in book.trials():
        book.rundir(trial).run.unlink()  # its config is of no matter here
    return book


def test_a_record_says_what_gates_said(closed: Book) -> None:
    record = read_json(closed.path / "trials" / "000.json")
    assert (record["gate"], record["exports"]) == ("failed", {"merged": "degraded"})
    jsonschema.validate(record, read_json(ROOT / "ftrecipe" / "schemas" / "trial.json"))


def test_every_table_has_the_gates_and_the_verdicts(closed: Book) -> None:
    write(closed.path)
    with (closed.path / "sweep.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["gate"] for row in rows] == ["failed", "passed"]
    assert rows[0]["exports"] == "merged degraded"
    told = table(closed.path)
    assert told[0].split()[-3:] == ["gate", "exports", "state"]
    assert told[1].split()[-4:] == ["failed", "merged", "degraded", "finished"]
    assert "<td>merged degraded</td>" in ranking(read_story(closed.path))


def test_the_best_is_not_announced_without_a_word_on_its_gate(closed: Book) -> None:
    story = read_story(closed.path)
    assert "which failed its gate" in verdict(story)
    other = "Trial 0 failed its gate; the best that did not is trial 1 with exact match 70"
    assert findings(story)[0].startswith(other)
    assert any(line.startswith(other) for line in table(closed.path))


def a_story(*trials: Trial) -> Story:
    return Story("lr", Path(), "tuned.qa.f1", "maximize", trials=list(trials))


def test_where_no_trial_passed_that_is_said() -> None:
    story = a_story(Trial(0, {}, objective=3.0, gate="failed"))
    assert "No trial with a result passed its gate." in findings(story)


def test_sweeps_without_gates_have_no_such_columns_and_no_such_words() -> None:
    story = a_story(Trial(0, {}, objective=3.0), Trial(1, {}, objective=2.0))
    assert story.judged == []
    assert "gate" not in " ".join([verdict(story), *findings(story)])
