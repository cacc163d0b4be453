"""What a sweep leaves to look at: from records as the engine writes them, whatever they hold."""

import csv
import math
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.sweep.book import ENDED, Book
from ftrecipe.sweep.book import Trial as book_trial
from ftrecipe.sweep.page import page, table, write
from ftrecipe.sweep.page.plots import by_trial, by_value
from ftrecipe.sweep.page.story import STATES, Story, Trial, read_story
from ftrecipe.sweep.page.words import findings, labels, verdict

EVIL = "<script>alert('x')</script> ${x:y} & \"quotes\"\n\x07# next"


class Parsed(HTMLParser):
    """Checks that every tag is closed where it should be, and keeps tags and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str | None] = []
        self.links: list[str | None] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name == "src"]
        self.links += [value for name, value in attrs if name == "href"]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@dataclass
class Records:
    """A sweep's folder, written trial by trial as the engine does."""

    path: Path
    direction: str = "maximize"
    objective: str = "tuned.qa.exact_match"
    name: str = "lr"
    state: str = "finished"
    swept: list[str] = field(default_factory=lambda: ["trainer.learning_rate"])
    count: int = 0

    def add(self, overrides: dict[str, str], objective: float | None, **other: Any) -> RunDir:
        """Write one trial's record, and its run directory with report and base metrics."""
        number, self.count = self.count, self.count + 1
        trial: dict[str, Any] = {
            "number": number, "overrides": overrides, "state": "finished", "reason": None,
            "objective": objective, "seconds": 30.0, "run": f"{number:03}",
            "started": "2026-01-02T03:04:05+00:00", "ended": "2026-01-02T03:04:35+00:00",
        }  # fmt: skip
        trial |= other
        write_json(self.path / "trials" / f"{number:03}.json", trial)
        rundir = RunDir(self.path / f"{number:03}")
        if trial["run"] is not None:
            write_json(rundir.metrics, {"base": {"qa": {"exact_match": 12.5}}})
            rundir.report_html.write_text("a report", "utf-8")
        return rundir

    def close(self) -> Path:
        """Write the sweep's own record."""
        record = {
            "name": self.name, "words": ["+recipe=quickstart", "trainer.learning_rate=1e-3,1e-4"],
            "working_dir": "/somewhere", "objective": self.objective, "direction": self.direction,
            "sweeper": "grid", "swept": self.swept, "state": self.state,
            "started": "2026-01-02T03:04:05+00:00", "ended": None,
        }  # fmt: skip
        write_json(self.path / "sweep.json", record)
        return self.path


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "a sweep")


def lr(text: str) -> dict[str, str]:
    return {"trainer.learning_rate": text}


@pytest.fixture
def swept(records: Records) -> Path:
    """Three that finished, one of them with nan, and one of each other end."""
    records.add(lr("1e-4"), 40.0)
    records.add(lr("1e-3"), 85.0)
    records.add(lr("1e-2"), math.nan)
    records.add(lr("1e-1"), 20.0, state="pruned", reason="below the median")
    records.add(lr("1"), None, state="failed", reason="the loss is nan")
    records.add(lr("x"), None, state="refused", reason="no number", run=None, seconds=None)
    return records.close()


def html(sweep_dir: Path) -> str:
    write(sweep_dir)
    return (sweep_dir / "sweep.html").read_text("utf-8")


def rows(sweep_dir: Path) -> list[dict[str, str]]:
    write(sweep_dir)
    with (sweep_dir / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_page_is_one_balanced_file_that_loads_nothing(swept: Path) -> None:
    parsed = Parsed(html(swept))
    assert parsed.loads == []
    assert not set(parsed.tags) & {"script", "link", "img", "iframe"}
    assert {"svg", "table", "h1"} <= set(parsed.tags)


def test_the_page_names_the_winner_its_values_and_the_baseline(swept: Path) -> None:
    story = read_story(swept)
    assert verdict(story) == "Best of 2 trials: exact match 85 with learning_rate=1e-3."
    assert findings(story)[0] == "The base model has 12.5."
    text = html(swept)
    for told in (verdict(story), "the loss is nan", "no number", "below the median", "quickstart"):
        assert told in text


def test_reports_are_linked_relative_to_the_page(swept: Path) -> None:
    links = {link for link in Parsed(html(swept)).links if link is not None}
    assert links == {f"00{number}/report.html" for number in range(5)}
    assert all((swept / link).is_file() for link in links)


def test_the_best_comes_first_in_the_direction_of_the_objective(records: Records) -> None:
    for value in (3.0, 1.0, 2.0):
        records.add(lr("1"), value)
    records.direction = "minimize"
    assert [row["objective"] for row in rows(records.close())] == ["1.0", "2.0", "3.0"]
    records.direction = "maximize"
    assert [row["objective"] for row in rows(records.close())] == ["3.0", "2.0", "1.0"]


def test_the_csv_has_every_trial_with_a_column_a_swept_key(swept: Path) -> None:
    found = rows(swept)
    assert list(found[0]) == [
        "number", "state", "objective", "seconds", "trainer.learning_rate", "reason", "run",
        "gate", "exports",
    ]  # fmt: skip
    assert [row["number"] for row in found] == ["1", "0", "2", "4", "5", "3"]
    assert found[0]["trainer.learning_rate"] == "1e-3"
    assert found[2]["objective"] == "nan"
    assert (found[4]["objective"], found[4]["run"], found[4]["reason"]) == ("", "", "no number")


def test_the_table_is_aligned_with_the_reasons_of_those_that_failed(swept: Path) -> None:
    said = table(swept)
    assert said[0].split("  ")[0] == "trial"
    assert "qa.exact_match ↑" in said[0]
    assert said[1].split() == ["1", "85", "1e-3", "30", "s", "finished"]
    assert said[4].endswith("failed: the loss is nan")
    column = said[0].index("learning_rate")
    assert [line[column:].split()[0] for line in said[1:3]] == ["1e-3", "1e-4"]


def test_a_pruned_or_nan_trial_never_wins(records: Records) -> None:
    records.add(lr("1"), 99.0, state="pruned")
    records.add(lr("2"), math.nan)
    records.add(lr("3"), math.inf)
    sweep_dir = records.close()
    assert read_story(sweep_dir).best is None
    assert "No trial finished with a result." in html(sweep_dir)
    assert not (sweep_dir / "best.yaml").exists()


def test_a_sweep_that_has_only_begun_has_a_page(records: Records) -> None:
    records.state = "running"
    sweep_dir = records.close()
    assert "No trial has finished yet." in html(sweep_dir)
    assert rows(sweep_dir) == []
    assert len(table(sweep_dir)) == 1
    records.add(lr("1"), None, state="running", seconds=None, run=None)
    assert "No trial has finished yet." in html(sweep_dir)


def test_one_trial_has_a_page_without_drawings(records: Records) -> None:
    records.add(lr("1e-3"), 50.0)
    text = html(records.close())
    assert "Exact match 50 with learning_rate=1e-3." in text
    assert "svg" not in Parsed(text).tags


def test_three_hundred_trials_fold_and_the_terminal_sees_the_best(records: Records) -> None:
    for number in range(300):
        records.add(lr(f"{10 ** (-1 - number / 100):.3g}"), float(number))
    sweep_dir = records.close()
    assert "<summary>270 more trials</summary>" in html(sweep_dir)
    assert len(rows(sweep_dir)) == 300
    said = table(sweep_dir)
    assert said[1].split()[:2] == ["299", "299"]
    assert said[-1] == f"and 280 more in {sweep_dir / 'sweep.csv'}"


def test_everything_that_comes_from_outside_is_escaped(records: Records) -> None:
    records.name, records.swept = EVIL, [EVIL]
    records.add({EVIL: EVIL}, 1.0)
    records.add({EVIL: "b"}, 2.0)
    records.add({EVIL: "c"}, None, state="failed", reason=EVIL)
    sweep_dir = records.close()
    text = html(sweep_dir)
    assert "script" not in Parsed(text).tags
    assert "<script" not in text
    assert all("\n" not in line for line in table(sweep_dir))
    assert rows(sweep_dir)[-1]["reason"] == EVIL


def test_a_key_that_a_trial_lacks_is_left_empty(records: Records) -> None:
    records.add({"peft": "lora", "peft.r": "8"}, 1.0)
    records.add({"peft": "ia3"}, 2.0)
    records.swept = ["peft"]
    sweep_dir = records.close()
    assert [row["peft.r"] for row in rows(sweep_dir)] == ["", "8"]
    assert "ia3   –" in table(sweep_dir)[1]


def test_level_trials_are_said_to_be_so(records: Records) -> None:
    for value in (5.0, 5.0, 1.0):
        records.add(lr("1"), value)
    assert "Trial 1 is level with it." in findings(read_story(records.close()))


def test_two_keys_that_end_alike_keep_their_whole_names() -> None:
    assert labels(["peft.r", "eval.qa.seed", "seed"]) == {
        "peft.r": "r", "eval.qa.seed": "eval.qa.seed", "seed": "seed",
    }  # fmt: skip


def drawn(texts: list[str], scores: list[float], key: str = "k") -> str:
    trials = [Trial(at, {key: t}, objective=s) for at, (t, s) in enumerate(zip(texts, scores))]
    return by_value(Story("s", Path(), "tuned.qa.f1", "maximize", trials=trials), key)


def columns(text: str) -> list[float]:
    return [float(part.split('"')[0]) for part in text.split('cx="')[1:]]


def test_values_that_span_decades_lie_on_a_log_axis() -> None:
    first, second, third = sorted(columns(drawn(["1e-4", "1e-3", "1e-2"], [1, 2, 3])))
    assert second - first == pytest.approx(third - second, abs=0.2)


def test_values_spread_evenly_down_to_near_zero_lie_on_a_linear_axis() -> None:
    texts = [f"{at / 20:.2f}" for at in range(1, 12)]
    places = sorted(columns(drawn(texts, [1.0] * len(texts))))
    gaps = [right - left for left, right in pairwise(places)]
    assert max(gaps) == pytest.approx(min(gaps), abs=0.3)


def test_words_lie_in_strips_with_numbers_first() -> None:
    text = drawn(["null", "1024", "512"], [1, 2, 3])
    assert text.index(">512<") < text.index(">1024<") < text.index(">null<")


def test_a_key_of_one_value_is_not_drawn() -> None:
    assert drawn(["1", "1"], [1, 2]) == ""


def test_objectives_decades_apart_or_all_alike_can_be_drawn() -> None:
    for scores in ([5.0, 5.0, 5.0], [1.0, 2.0, 1e6], [-1.0, 0.0, 1e9]):
        text = drawn(["1", "2", "3"], scores)
        assert text.count("<circle") == 3
        assert "nan" not in text


def test_the_best_so_far_only_gets_better() -> None:
    trials = [Trial(at, {}, objective=value) for at, value in enumerate([3.0, 5.0, 1.0, 4.0])]
    story = Story("s", Path(), "train.loss", "minimize", trials=trials)
    points = by_trial(story).split('points="')[1].split('"')[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights == sorted(heights)


def test_a_trial_without_a_result_is_a_cross_that_says_why() -> None:
    trials = [Trial(0, {"k": "1"}, objective=1.0), Trial(1, {"k": "2"}, state="failed")]
    text = by_value(Story("s", Path(), "train.loss", "minimize", trials=trials), "k")
    assert 'class="lost"' in text
    assert "trial 1 failed: k=2" in text


@pytest.fixture
def won(records: Records, faq: str) -> Path:
    """A sweep whose winner is a run as the launcher makes it."""
    words = ["recipe=quickstart", "peft.r=4", "description='half ${done}'", "runs_dir=elsewhere"]
    made = launch.create(plan.make(compose(words)))
    records.add({"peft.r": "8", "seed": EVIL}, 80.0)
    rundir = records.add({"peft.r": "4", "seed": EVIL}, 85.0)
    for file in (made.run, made.recipe):
        (rundir.path / file.name).write_bytes(file.read_bytes())
    records.name = EVIL
    sweep_dir = records.close()
    write(sweep_dir)
    return sweep_dir


def test_the_winners_recipe_enters_by_the_door_as_the_run_that_won(won: Path) -> None:
    again = plan.make(compose([f"+recipe={won / 'best.yaml'}"])).config
    config = read_json(RunDir(won / "001").run)["config"]
    assert config["peft"]["r"] == 4
    for own in ("description", "runs_dir"):
        again.pop(own), config.pop(own)
    assert again == config


def test_the_winners_recipe_says_where_it_comes_from(won: Path) -> None:
    text = (won / "best.yaml").read_text("utf-8")
    first = text.splitlines()[0]
    assert first.startswith("# Trial 1 of 2 won the sweep ")
    assert "tuned.qa.exact_match=85" in first
    assert text.splitlines()[1] == "defaults:"
    said = compose([f"+recipe={won / 'best.yaml'}"]).run.description
    assert said.startswith("half ${done}. Won the sweep <script>")
    assert said.endswith("of 2 trials with tuned.qa.exact_match=85")


def test_shares_of_a_hundred_are_written_as_such(won: Path) -> None:
    assert "85.0 %" in table(won)[1]
    assert "exact match 85.0 % with" in verdict(read_story(won))


def test_the_page_shows_how_to_use_the_winner(won: Path) -> None:
    assert f"python -m ftrecipe &#x27;+recipe={won / 'best.yaml'}&#x27;" in page(read_story(won))


def test_writing_again_replaces_and_leaves_nothing_behind(swept: Path) -> None:
    write(swept)
    before = sorted(swept.iterdir())
    write(swept)
    assert sorted(swept.iterdir()) == before
    assert not [path for path in before if path.name.startswith(".")]


def test_the_engines_own_records_are_read(records: Records) -> None:
    book = Book(records.close())
    book.write(book_trial(0, lr("1e-3"), state="finished", objective=85.0, seconds=3.0))
    book.write(book_trial(1, lr("1e-2"), state="refused", reason="too high"))
    book.write(book_trial(2, lr("1e-1")))
    story = read_story(book.path)
    assert [(trial.number, trial.state) for trial in story.trials] == [
        (0, "finished"), (1, "refused"), (2, "running"),
    ]  # fmt: skip
    assert set(ENDED) < set(STATES)
    Parsed(html(book.path))
