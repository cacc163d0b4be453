import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from ftrecipe import results
from ftrecipe.config import GROUPS, RunConfig, from_plain, to_plain
from ftrecipe.page.axes import ticks
from ftrecipe.page.words import duration, number, size
from ftrecipe.rundir import RunDir, write_json
from ftrecipe.stages.page import page
from ftrecipe.stages.page.chart import Curve, chart, thinned
from ftrecipe.stages.page.markdown import markdown
from ftrecipe.stages.page.samples import pick
from ftrecipe.stages.page.sections import TOY
from ftrecipe.stages.page.story import Story, Suite, read_story
from ftrecipe.stages.page.usage import Usage
from ftrecipe.stages.page.words import findings, lines, verdict
from ftrecipe.stages.report import report

EVIL = "<script>alert('x')</script> & \"quotes\""
VOID = {"meta"}


class Balanced(HTMLParser):
    """Checks that every tag is closed where it should be, and keeps what the page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def qa(base: float | None = 0.0, tuned: float | None = 85.0, rows: int = 3) -> Suite:
    def answers(score):
        return [
            {"question": f"q{at}", "expected": ["yes"], "answer": "yes", "exact_match": score}
            for at in range(rows)
        ]

    return Suite(
        name="qa",
        of="questions it was never shown",
        headline="exact_match",
        directions={"exact_match": "max"},
        percents=("exact_match",),
        generates=True,
        base=None if base is None else {"exact_match": base, "questions": 3.0},
        tuned=None if tuned is None else {"exact_match": tuned, "questions": 3.0},
        base_rows=answers(0.0) if base is not None else [],
        tuned_rows=answers(1.0) if tuned is not None else [],
    )


def forgetting(base: float, tuned: float) -> Suite:
    return Suite(
        name="forgetting",
        of="general text it was never shown",
        headline="perplexity",
        directions={"perplexity": "min"},
        percents=(),
        generates=False,
        base={"perplexity": base},
        tuned={"perplexity": tuned},
    )


@pytest.fixture
def story() -> Story:
    return Story(
        name="quickstart",
        folder="runs/quickstart/1",
        suites=[forgetting(10.0, 12.5), qa()],
        train={"loss": 0.5, "seconds": 30.0, "steps": 20, "processes": 1},
        history=[{"step": at, "loss": 4 - at / 10, "learning_rate": 1e-3} for at in range(1, 21)],
        choices={"model": "tiny", "eval": ["qa", "forgetting"]},
        config={"model": {"type": "custom", "path": "builtin:tiny"}},
        recipe="seed: 1\n",
        usages=[Usage("Measure it again", "python -m ftrecipe evaluate runs/quickstart/1")],
    )


def test_the_page_is_one_balanced_file_that_loads_nothing(story):
    parsed = Balanced(page(story))
    assert parsed.loads == []
    assert not parsed.tags & {"script", "link", "img", "iframe"}
    assert {"svg", "table", "h1"} <= parsed.tags


def test_everything_that_comes_from_outside_is_escaped():
    row = {"question": EVIL, "expected": [EVIL], "answer": EVIL, "exact_match": 0.0}
    counts = {"rows": 1, "total": 1, "supervised": 1}
    pieces = [{"kind": "trained", "trained": True, "count": 1, "tokens": [EVIL]}]
    evil = Story(
        name=EVIL,
        folder=EVIL,
        description=EVIL,
        suites=[replace(qa(), name=EVIL, of=EVIL, base_rows=[row], tuned_rows=[row])],
        choices={EVIL: EVIL},
        config={EVIL: {EVIL: EVIL}},
        recipe=EVIL,
        files=[(EVIL, 1)],
        usages=[Usage(EVIL, EVIL)],
        data={
            "warnings": [EVIL],
            "tokens": {EVIL: counts},
            "masked_share": 0.5,
            "dropped": {EVIL: 1},
            "sources": [{"rows_read": 2, "rows_malformed": 0}],
            "samples": [{"where": EVIL, "length": 1, "supervised": 1, "cut": 0, "pieces": pieces}],
        },
    )
    text = page(evil)
    assert "script" not in Balanced(text).tags
    assert "<script" not in text


def test_the_data_shows_its_splits_what_was_left_out_and_the_tokens_of_one_row(story):
    split = {"rows": 9, "total": 1200, "supervised": 800}
    pieces = [{"kind": "context", "trained": False, "count": 1, "tokens": ["why?"]},
              {"kind": "special", "trained": True, "count": 1, "tokens": ["<end>"]}]  # fmt: skip
    sample = {"where": "a line 1", "length": 2, "supervised": 1, "cut": 0, "pieces": pieces}
    data = {"warnings": ["careful"], "tokens": {"train": split}, "masked_share": 0.25,
            "dropped": {"length": 2}, "sources": [{"rows_read": 12, "rows_malformed": 1}],
            "samples": [sample]}  # fmt: skip
    text = page(replace(story, data=data))
    assert "<td>train</td><td>9</td><td>1,200</td><td>800</td>" in text
    assert "25% of the tokens are masked: read, not learned. 3 of 12 rows were left out." in text
    assert '<span class="t-context"><i>why?</i></span>' in text
    assert '<span class="t-special is-trained"><i>&lt;end&gt;</i></span>' in text


def test_a_table_cell_of_markdown_cannot_break_its_table():
    row = {"question": "a | b\n`c`", "expected": ["<b>"], "answer": "*x*", "exact_match": 0.0}
    text = markdown(Story("r", "f", suites=[replace(qa(), base_rows=[row], tuned_rows=[row])]))
    assert r"| a \| b \`c\` | \<b\> | \*x\* | \*x\* |" in text


def test_the_verdict_is_about_right_answers_before_anything_else(story):
    assert verdict(story) == ("Exact match on questions it was never shown rose from 0 % to 85 %.")
    assert findings(story) == [
        "Perplexity on general text it was never shown rose from 10 to 12.50."
    ]


def test_a_change_is_better_or_worse_by_the_direction_of_its_metric():
    (lost,), (gained, count) = lines(forgetting(10.0, 12.5)), lines(qa())
    assert (lost.change, lost.better) == ("+2.50", False)
    assert (gained.change, gained.better) == ("+85 points", True)
    assert (count.change, count.better) == ("", None)
    assert lines(qa(50.0, 50.0))[0].change == "no change"


def test_the_table_says_better_and_worse_in_words(story):
    text = page(story)
    assert '<td class="worse"><span>▲ +2.50</span> <span>worse</span></td>' in text
    assert '<td class="better"><span>▲ +85 points</span> <span>better</span></td>' in text


@pytest.mark.parametrize(
    ("suites", "said"),
    [
        ([], "The tuned model was not measured."),
        ([qa(tuned=None)], "The tuned model was not measured."),
        (
            [qa(base=None)],
            "Exact match on questions it was never shown is 85 %; the base was not measured.",
        ),
    ],
)
def test_what_was_not_measured_is_said_to_be_so(suites, said):
    story = Story("r", "folder", suites=suites)
    Balanced(page(story))
    assert verdict(story) == said
    assert said in markdown(story)


def test_a_missing_side_is_not_measured_in_table_and_samples():
    text = page(Story("r", "folder", suites=[qa(base=None)]))
    assert "<td>not measured</td>" in text
    assert '<span class="even">not measured</span>' in text


def test_numbers_that_are_none_are_told():
    assert number(float("nan")) == "not a number"
    assert number(float("inf")) == "infinite"
    Balanced(page(Story("r", "f", suites=[forgetting(10.0, float("inf"))])))


def test_samples_are_spread_evenly_and_not_chosen():
    chosen, total = pick([qa(rows=40)], most=4)
    assert ([each.question for each in chosen], total) == (["q0", "q10", "q20", "q30"], 40)


def test_a_toy_says_that_it_is_one(story):
    toy = replace(story, toy=True)
    assert "toy model" in page(toy)
    assert "toy model" in markdown(toy)
    assert TOY not in page(story)


def test_a_curve_has_its_points_axes_and_a_text_alternative():
    text = chart("Loss", [Curve("training loss", "train", [(1, 4.0), (2, 3.0)])])
    assert text.count("<circle") == 2
    assert 'aria-label="Loss: training loss from 4 to 3"' in text
    assert ">step<" in text


def test_a_curve_of_one_point_or_a_flat_one_can_be_drawn():
    for points in ([(5, 0.0)], [(1, 2.0), (2, 2.0)]):
        assert "nan" not in chart("Loss", [Curve("loss", "train", points)])


def test_a_curve_leaves_out_what_cannot_be_drawn():
    text = chart("Loss", [Curve("loss", "train", [(1, 2.0), (2, float("nan")), (3, 1.0)])])
    assert text.count("<circle") == 2
    assert chart("Loss", [Curve("loss", "train", [])]) == ""


def test_long_curves_are_thinned_to_means():
    points = thinned([(at, 1.0) for at in range(10_000)])
    assert len(points) <= 300
    assert {y for _, y in points} == {1.0}


def test_ticks_are_round_and_span_the_data():
    assert ticks(0.13, 6.1, 5) == [0, 2, 4, 6, 8]
    assert ticks(0, 155, 6) == pytest.approx([0, 50, 100, 150, 200])


def test_sizes_and_spans_are_written_for_people():
    assert [size(12), size(2048), size(3 * 2**30)] == ["12 B", "2 KB", "3.0 GB"]
    assert [duration(30), duration(600), duration(7500)] == ["30 s", "10 min", "2 h 5 min"]


def a_run() -> RunConfig:
    one = {
        "dataset": "question_answer",
        "model": "custom",
        "peft": "lora",
        "quantization": "none",
        "hardware": "machine",
        "strategy": "single",
        "trainer": "sft",
        "tracking": "none",
    }
    several = {"eval": ["qa", "forgetting"], "export": ["adapter", "merged"]}
    chosen = {group: GROUPS[group].get(name)() for group, name in one.items()}
    for group, names in several.items():
        chosen[group] = {name: GROUPS[group].get(name)() for name in names}
    return RunConfig(**chosen)


@pytest.fixture
def rundir(tmp_path):
    """A run's folder as the launcher leaves it, before any stage."""
    made = RunDir(tmp_path / "run's folder")
    write_json(
        made.run,
        {
            "name": "mine",
            "runs_dir": str(tmp_path),
            "choices": {"model": "tiny", "peft": "lora"},
            "config": to_plain(a_run()),
        },
    )
    return made


def session(rundir: RunDir) -> SimpleNamespace:
    run = from_plain(json.loads(rundir.run.read_text("utf-8"))["config"])
    return SimpleNamespace(run=run, dir=rundir, screen=SimpleNamespace(say=lambda line: None))


def test_a_run_that_did_nothing_yet_has_a_report(rundir):
    report(session(rundir))
    assert "The tuned model was not measured." in rundir.report_html.read_text("utf-8")
    assert "The tuned model was not measured." in rundir.report_md.read_text("utf-8")


def test_the_report_is_read_from_the_files_of_the_run(rundir):
    write_json(
        rundir.metrics,
        {"base": {"qa": {"exact_match": 0.0}}, "tuned": {"qa": {"exact_match": 70.0}}},
    )
    rundir.history.write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 1.5}\n', "utf-8")
    row = {"question": "Wo?", "expected": ["hier\u2028dort"], "answer": "da", "exact_match": 0.0}
    for who in ("base", "tuned"):
        results.write(rundir, "qa", who, [row], ("question", "expected"))
    (rundir.export / "adapter").mkdir(parents=True)
    report(session(rundir))
    text = rundir.report_html.read_text("utf-8")
    Balanced(text)
    for told in ("rose from 0 % to 70 %", "training loss from 2.5 to 1.5", "Wo?", "AutoPeftModel"):
        assert told in text
    assert "Load the merged model" not in text


def test_commands_quote_a_folder_with_spaces_and_quotes(rundir):
    story = read_story(session(rundir).run, rundir)
    (code,) = [use.code for use in story.usages if use.title == "Measure it again"]
    assert code.startswith("python -m ftrecipe evaluate '") or '"' in code
    words = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {code}"], capture_output=True, text=True, check=True
    )
    assert words.stdout.splitlines()[-1] == str(rundir.path)


def test_code_that_loads_the_result_is_python(rundir):
    for name in ("adapter", "merged"):
        (rundir.export / name).mkdir(parents=True)
    story = read_story(session(rundir).run, rundir)
    loading = [use.code for use in story.usages if use.title.startswith("Load")]
    assert len(loading) == 2
    for code in loading:
        compile(code, "usage", "exec")


@pytest.mark.parametrize("leak", ["same_prompt", "same_words"])
def test_never_shown_is_not_said_where_the_audit_found_leaks(rundir, leak):
    clean = {"same_prompt": 0, "same_words": 0, "words": 13}
    leaked = {"test": clean | {leak: 3}, "validation": clean}
    write_json(rundir.data_report, {"contamination": leaked})
    write_json(rundir.metrics, {"tuned": {"qa": {"exact_match": 70.0}}})
    story = read_story(session(rundir).run, rundir)
    assert story.suites[0].of == "questions of the test split"


def test_own_data_on_the_embedded_model_is_a_toy_and_the_shipped_faq_is_not(rundir):
    run = session(rundir).run
    run.model.toy = True
    for path, toy in (("mine.csv", True), ("builtin:faq/train.jsonl", False)):
        run.dataset.path = path
        assert read_story(run, rundir).toy is toy


def test_the_report_needs_no_torch():
    code = "import sys, ftrecipe.stages.report; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_colors_are_named_once_for_light_and_once_for_dark(story):
    style = page(story)
    light, dark = (set(re.findall(r"(--\w+):", part)) for part in style.split("@media", 2)[:2])
    assert light == dark
