"""The report stage: from the files of a run, finished or not, to report.html and report.md."""

import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ftrecipe import results
from ftrecipe.config import GROUPS, RunConfig, from_plain, to_plain
from ftrecipe.rundir import RunDir, write_json
from ftrecipe.stages.page.story import read_story
from ftrecipe.stages.report import report


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
    assert "tuned model was not measured." in rundir.report_md.read_text("utf-8")


def test_the_report_is_read_from_the_files_of_the_run(rundir):
    change = {"change": 70.0, "low": 60.0, "high": 80.0, "real": True, "changed": 9, "better": True}
    write_json(
        rundir.metrics,
        {"base": {"qa": {"exact_match": 0.0}}, "tuned": {"qa": {"exact_match": 70.0}},
         "compare": {"base": {"qa": {"exact_match": change}}},
         "gate": {"passed": True, "conditions": [{"condition": "c", "passed": True}]}},
    )  # fmt: skip
    rundir.history.write_text('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 1.5}\n', "utf-8")
    row = {"question": "Wo?", "expected": ["hier\u2028dort"], "answer": "da", "exact_match": 0.0,
           "f1": 0.0, "answerable": True, "ended": True}  # fmt: skip
    for who in ("base", "tuned"):
        results.write(rundir, "qa", who, [row], ("question", "expected"))
    (rundir.export / "adapter").mkdir(parents=True)
    report(session(rundir))
    text = rundir.report_html.read_text("utf-8")
    for told in ("rose by 70.0 points to 70.0 %", "training from 2.5 to 1.5", "Wo?",
                 "AutoPeftModel", "The gate passed.", "+60.0 to +80.0"):  # fmt: skip
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


def test_what_a_gate_rejected_is_not_told_how_to_use(rundir):
    (rundir.export / "adapter" / "rejected").mkdir(parents=True)
    (rundir.export / "merged").mkdir()
    titles = [use.title for use in read_story(session(rundir).run, rundir).usages]
    assert [title for title in titles if title.startswith("Load")] == [
        "Load the merged model (Python)"
    ]


@pytest.mark.parametrize("leak", ["same_prompt", "same_words"])
def test_never_shown_is_not_said_where_the_audit_found_leaks(rundir, leak):
    clean = {"same_prompt": 0, "same_words": 0, "words": 13}
    leaked = {"test": clean | {leak: 3}, "validation": clean}
    write_json(rundir.data_report, {"contamination": leaked})
    write_json(rundir.metrics, {"tuned": {"qa": {"exact_match": 70.0}}})
    story = read_story(session(rundir).run, rundir)
    assert story.suites[0].of == "questions of the test split"


@pytest.mark.parametrize(
    ("path", "name"),
    [("data/own.jsonl", "own.jsonl"), ("org/data", "org/data"), ("builtin:x/y.jsonl", "y.jsonl")],
)
def test_a_suite_with_a_file_of_its_own_is_said_to_be_measured_on_that(rundir, path, name):
    run = session(rundir).run
    run.eval["qa"].path = path
    clean = {"same_prompt": 0, "same_words": 0, "words": 13}
    write_json(rundir.data_report, {"contamination": {"test": clean, "validation": clean}})
    assert read_story(run, rundir).suites[0].of == f"questions of {name}"


def test_own_data_on_the_embedded_model_is_a_toy_and_the_shipped_faq_is_not(rundir):
    run = session(rundir).run
    run.model.toy = True
    for path, toy in (("mine.csv", True), ("builtin:faq/train.jsonl", False)):
        run.dataset.path = path
        assert read_story(run, rundir).toy is toy


def test_the_report_needs_no_torch():
    code = "import sys, ftrecipe.stages.report; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_values_that_were_set_are_told_with_their_defaults(rundir):
    boundary = json.loads(rundir.run.read_text("utf-8"))
    boundary["choices"] |= {"trainer": "sft", "eval": ["qa"]}
    boundary["differences"] = {
        "trainer": {"learning_rate": 0.003, "num_train_epochs": 15.0},
        "eval": {"qa": {"max_new_tokens": 9}},
        "compare": {"few_shot": 3},
        "gate": ["qa.f1 >= 80"],
        "unheard_of": {"key": None},
    }
    write_json(rundir.run, boundary)
    told = {
        one.key: (one.value, one.default)
        for one in read_story(session(rundir).run, rundir).settings
    }
    assert told["trainer.num_train_epochs"] == ("15.0", "3.0")
    assert told["eval.qa.max_new_tokens"] == ("9", "64")
    assert told["compare.few_shot"] == ("3", "0")
    assert told["gate"] == ("[qa.f1 >= 80]", "[]")
    assert told["unheard_of.key"] == ("null", "")


def test_a_run_that_the_gate_held_back_says_how_to_export_it_all_the_same(rundir):
    conditions = [{"condition": "qa.f1 >= 99", "passed": False, "reason": "it is 70 %"}]
    write_json(rundir.metrics, {"gate": {"passed": False, "conditions": conditions}})
    run = replace(session(rundir).run, export={})
    used = {use.title: use.code for use in read_story(run, rundir).usages}
    assert used["Export it all the same, though the gate failed"].endswith(" export=merged")
    assert "Give it a name to be used by" not in used
    rundir.export.mkdir()
    titles = [use.title for use in read_story(session(rundir).run, rundir).usages]
    assert "Export it all the same, though the gate failed" not in titles
