"""Runs shown whole and side by side: paired examples, what differs, and a page that is safe."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from answers import ROOT, Cli

from ftrecipe import results
from ftrecipe.components.eval import GROUP, Completion
from ftrecipe.results import TUNED
from ftrecipe.rundir import RunDir, read_json, write_json
from ftrecipe.runs.comparing import compared
from ftrecipe.runs.comparison import Comparison
from ftrecipe.runs.comparison_page import write

MakeRun = Callable[..., RunDir]
Measured = Callable[..., dict[str, Any]]
SUITE = GROUP.classes["qa"]()


class Asked:
    """One question of the tests."""

    def __init__(self, number: int) -> None:
        self.where, self.source = f"faq.csv line {number}", ""
        self.question, self.answers = f"What is {number}?", [f"It is {number}."]


def fill(run: RunDir, right: int, of: int = 40, first: int = 0) -> None:
    """Let a run have answered `of` questions, so many of them right."""
    rows = [
        SUITE.row(Asked(at), Completion(f"It is {at if at - first < right else -1}.", 5, True))
        for at in range(first, first + of)
    ]
    results.write(run, "qa", TUNED, rows, SUITE.identity)
    found = SUITE.result(rows).metrics
    write_json(run.metrics, {
        "tuned": {"qa": found}, "base": {"qa": dict.fromkeys(found, 0.0)},
        "compare": {"base": {"qa": {"exact_match": {
            "change": found["exact_match"], "low": 1.5, "high": 9.0, "real": True, "changed": 9,
            "better": True,
        }}}},
        "objective": found["exact_match"], "objective_name": "tuned.qa.exact_match",
        "objective_direction": "maximize",
        "train": {"seconds": 61.0, "loss": 0.5, "tokens": 1200, "tokens_per_second": 20.0,
                  "peak_memory_bytes": 2**30, "steps": 3, "processes": 1},
    })  # fmt: skip
    lines = [{"step": at, "loss": 3.0 / at} for at in (1, 2, 3)]
    run.history.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def two(make_run: MakeRun) -> list[RunDir]:
    """Two runs on the same questions; the second knows more."""
    made = [make_run("quick/a"), make_run("quick/b", seed=7)]
    for run, right in zip(made, (10, 30)):
        fill(run, right)
    return made


def side_by_side(*runs: RunDir) -> Comparison:
    return compared([(run.path.name, run) for run in runs])


def cell_of(made: Comparison, metric: str, at: int) -> Any:
    (row,) = [one for one in made.metrics if one.name == metric]
    return row.cells[at]


def test_runs_on_the_same_examples_are_compared_with_an_interval(two: list[RunDir]) -> None:
    made = side_by_side(*two)
    cell = cell_of(made, "exact_match", 1)
    assert (cell.change, cell.best, cell.better, cell.real) == (50.0, True, True, True)
    assert cell.low < 50 < cell.high
    assert made.notes == []


def test_examples_are_paired_by_what_they_are_and_not_by_their_place(two: list[RunDir]) -> None:
    before = cell_of(side_by_side(*two), "exact_match", 1)
    rows = results.read(two[1], "qa")[TUNED]
    results.write(two[1], "qa", TUNED, rows[::-1], SUITE.identity)
    assert cell_of(side_by_side(*two), "exact_match", 1) == before


@pytest.mark.parametrize(
    ("of", "first", "shared"), [(39, 0, "39 of 40"), (40, 1, "39 of 40"), (40, 90, "0 of 40")]
)
def test_runs_on_other_examples_get_no_interval_and_it_is_said(
    of: int, first: int, shared: str, two: list[RunDir]
) -> None:
    fill(two[1], 30, of, first)
    made = side_by_side(*two)
    cell = cell_of(made, "exact_match", 1)
    assert (cell.low, cell.real, cell.better) == (None, None, None)
    assert cell.change is not None
    (note,) = made.notes
    assert f"not of the same examples ({shared} are)" in note


def test_rows_of_another_version_are_told_and_not_a_bug(two: list[RunDir]) -> None:
    file = two[1].results("qa")
    file.write_text(re.sub(r'"exact_match": [\d.]+, ', "", file.read_text()))
    (note,) = side_by_side(*two).notes
    assert "another version" in note


def test_only_what_differs_is_told(two: list[RunDir]) -> None:
    assert side_by_side(*two).differing == [("config", "seed", [42, 7])]


def test_three_runs_have_a_value_each_where_one_differs(
    two: list[RunDir], make_run: MakeRun
) -> None:
    third = make_run("quick/c")
    assert side_by_side(*two, third).differing == [("config", "seed", [42, 7, 42])]
    assert cell_of(side_by_side(*two, third), "exact_match", 2).value is None


def test_runs_are_compared_by_name_and_as_a_table(two: list[RunDir], cli: Cli) -> None:
    cli("runs", "promote", "quick/a", "bot@production")
    said = cli("runs", "compare", "bot@production", "quick/b")
    assert said.code == 0
    assert "(bot@production)" in said.out
    (row,) = [line for line in said.out.splitlines() if line.startswith("qa.exact_match")]
    assert re.search(r"25.0 % +75.0 % \* +\+50.0 \(\+[\d.]+ to \+[\d.]+\) better", row)
    assert "page      runs/compare.html" in said.out
    assert Path("runs/compare.html").is_file()


def test_the_page_goes_where_it_is_asked_for(two: list[RunDir], cli: Cli) -> None:
    assert cli("runs", "compare", "quick/a", "quick/b", "--output", "out/x.html").code == 0
    assert Path("out/x.html").is_file()
    assert not Path("runs/compare.html").exists()


@pytest.mark.parametrize("what", ["compare", "show"])
def test_the_answer_for_machines_is_as_its_schema_says(
    what: str, two: list[RunDir], cli: Cli
) -> None:
    runs = ["quick/a", "quick/b"][: 2 if what == "compare" else 1]
    told = json.loads(cli("runs", what, *runs, "--json").out)
    schema = json.loads((ROOT / f"ftrecipe/schemas/runs_{what}.json").read_text("utf-8"))
    jsonschema.validate(told, schema)
    assert not Path("runs/compare.html").exists()


def test_all_runs_that_are_not_there_are_told_at_once(two: list[RunDir], cli: Cli) -> None:
    said = cli("runs", "compare", "quick/a", "quick/x", "quikc")
    assert said.code == 2
    assert len(said.faults) == 2


def test_answers_are_a_sample_that_does_not_depend_on_the_day(two: list[RunDir]) -> None:
    made, again = side_by_side(*two), side_by_side(*two)
    assert made.answers == again.answers
    assert (len(made.answers), made.shared) == (12, 40)
    assert [one.question for one in made.answers] != [f"What is {at}?" for at in range(12)]


class Seen(HTMLParser):
    """What a page has that could do more than be read."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for key, value in attrs if key in ("src", "href", "onload")]


def test_the_page_loads_nothing_runs_nothing_and_shows_what_anybody_wrote_as_text(
    two: list[RunDir], tmp_path: Path
) -> None:
    for run in two:
        file = run.results("qa")
        file.write_text(file.read_text().replace("What is", "<script>alert(1)</script>What is"))
    made = side_by_side(*two)
    write(made, tmp_path / "x.html")
    seen = Seen()
    text = (tmp_path / "x.html").read_text("utf-8")
    seen.feed(text)
    assert "script" not in seen.tags
    assert seen.addresses == []
    assert "&lt;script&gt;alert(1)" in text
    assert 'role="img" aria-label="Training loss by step: a from 3 to 1; b from 3 to 1"' in text


def test_show_tells_verdict_config_cost_and_how_to_use_it(two: list[RunDir], cli: Cli) -> None:
    cli("runs", "promote", "quick/b", "bot@production")
    said = cli("runs", "show", "bot@production")
    assert said.code == 0
    for told in (
        "status    finished", "names     bot@production", "qa.exact_match", "+1.5 to +9",
        "better", "1,200 tokens", "python -m ftrecipe export bot@production",
    ):  # fmt: skip
        assert told in said.out


def test_show_tells_what_the_gate_of_each_export_said(
    make_run: MakeRun, measured: Measured, cli: Cli
) -> None:
    said = {"adapter": {"verdict": "same", "reasons": []},
            "gguf": {"verdict": "failed", "reasons": ["no end token"]}}  # fmt: skip
    make_run("quick/1", metrics=measured(80.0, exports=said))
    assert "exports   adapter same, gguf failed" in cli("runs", "show", "quick/1").out


def test_show_tells_a_failed_gate_and_the_way_on_of_a_run_that_did_not_finish(
    make_run: MakeRun, measured: Measured, cli: Cli
) -> None:
    one = {"condition": "qa.f1 >= 90", "passed": False, "reason": "80 at the cautious end"}
    run = make_run(
        "quick/1", "failed", metrics=measured(80.0, gate={"passed": False, "conditions": [one]})
    )
    write_json(run.status, {k: v for k, v in read_json(run.status).items() if k != "schema_version"}
               | {"error": "out of memory"})  # fmt: skip
    said = cli("runs", "show", "quick/1")
    assert "gate      failed" in said.out
    assert "✗ qa.f1 >= 90: 80 at the cautious end" in said.out
    assert "failed" in said.out
    assert ": out of memory" in said.out
    assert "python -m ftrecipe resume runs/quick/1" in said.out


@pytest.mark.parametrize("file", ["run", "metrics", "lock"])
@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"config": {}, "name": 3}'])
def test_a_broken_file_is_told_by_show_compare_and_promote(
    file: str, text: str, two: list[RunDir], cli: Cli
) -> None:
    (two[0].path / f"{file}.json").write_text(text)
    for words in (["show", "quick/a"], ["compare", "quick/a", "quick/b"],
                  ["promote", "quick/a", "bot@x"]):  # fmt: skip
        said = cli("runs", *words)
        assert said.code in (0, 2)
        assert (f"{file}.json" in said.err) == (said.code == 2)


@pytest.mark.parametrize("text", ['{"where": "x', "[]", "3", '{"where": "x"}', '{"models": 3}'])
def test_a_broken_line_of_answers_is_told_with_its_place(
    text: str, two: list[RunDir], cli: Cli
) -> None:
    file = two[0].results("qa")
    with file.open("a") as lines:
        lines.write(text)
    said = cli("runs", "compare", "quick/a", "quick/b")
    assert said.code == 2
    assert "eval/qa.jsonl line 41: is no row of results; remove the file, and " in said.err


def test_a_config_of_another_version_is_told(two: list[RunDir], cli: Cli) -> None:
    known = read_json(two[0].run)
    known["config"]["peft"]["rank_of_old"] = 3
    two[0].run.write_text(json.dumps(known))
    said = cli("runs", "compare", "quick/a", "quick/b")
    assert said.code == 2
    assert "is of another version of ftrecipe" in said.err
