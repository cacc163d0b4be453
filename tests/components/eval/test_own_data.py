"""Data that a suite brings itself: how it is read, and what is wrong with it."""

import json

import pytest

from ftrecipe.components.dataset.auto import Auto
from ftrecipe.components.dataset.messages import Messages
from ftrecipe.components.dataset.mix import Mix
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.eval.own import faults
from ftrecipe.components.eval.perplexity import Perplexity
from ftrecipe.components.eval.qa import Qa

TEMPLATE = "Dear museum: {question}"


@pytest.fixture
def own(here):
    row = {"question": "q?", "answer": "a"}
    (here / "own.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    return "own.jsonl"


def test_a_file_of_the_runs_format_is_asked_in_the_runs_words(own):
    run = QuestionAnswer(path="train.jsonl", template=TEMPLATE, system="s", max_samples=5)
    data = Qa(path=own).own_data(run)
    assert isinstance(data, QuestionAnswer)
    assert (data.path, data.template, data.system) == (own, TEMPLATE, "s")
    assert data.max_samples is None
    assert (data.split.train, data.split.test) == (0, 1)


@pytest.mark.parametrize("run", [Messages(path="train.jsonl", system="s"), Mix(system="s")])
def test_a_file_of_another_format_keeps_the_system_prompt(own, run):
    data = Perplexity(path=own).own_data(run)
    assert isinstance(data, Auto)
    assert data.name() == "question_answer"
    assert data.system == "s"


def test_a_run_whose_own_file_is_gone_can_be_measured_on_another(own):
    assert Qa(path=own).own_data(Auto(path="gone.jsonl")) is not None


def test_a_suite_without_a_file_reads_its_split():
    assert Qa().own_data(QuestionAnswer()) is None
    assert Qa().reads() is not None
    assert Qa(path="x").reads() is None


def test_columns_can_be_named(here):
    (here / "own.csv").write_text("ask,say\nq?,a\n", "utf-8")
    suite = Qa(path="own.csv", format="question_answer", columns={"question": "ask"})
    data = suite.own_data(QuestionAnswer(columns={"answer": "other"}))
    assert data is not None
    assert data.columns == {"question": "ask"}


@pytest.mark.parametrize(
    ("suite", "told"),
    [
        (Qa(path="ownn.jsonl"), "eval.qa.path: ownn.jsonl does not exist; did you mean own.jsonl?"),
        (Qa(path="org/data"), "write eval.qa.format=<format>"),
        (Qa(path="own.jsonl", format="squat"), "eval.qa.format=squat is not known"),
        (Qa(path="own.jsonl", columns={"qestion": "q"}), "eval.qa.columns.qestion"),
    ],
)
def test_faults_are_told_in_the_words_of_the_suite(own, suite, told):
    [fault] = faults("qa", suite, Messages(path="train.jsonl"))
    assert told in fault
    assert fault.startswith("eval.qa.")


def test_missing_files_of_all_suites_are_told_when_planning(cli, faq):
    words = ["plan", f"dataset={faq}", "eval=[qa,perplexity]"]
    said = cli(*words, "eval.qa.path=a.jsonl", "eval.perplexity.path=b.jsonl")
    assert said.code == 2
    assert [fault.partition(":")[0] for fault in said.faults] == [
        "eval.qa.path",
        "eval.perplexity.path",
    ]


def test_a_recipe_names_no_file_out_of_its_reach(cli, recipe, faq):
    recipe("far", "defaults:\n- override /eval: [qa]\neval: {qa: {path: /etc/hosts.csv}}\n")
    said = cli("plan", "+recipe=far", f"dataset={faq}")
    assert "outside the working folder" in said.err


def test_plain_text_can_be_trained_on_and_questions_asked_of_a_file(cli, here, own):
    (here / "text.txt").write_text("some text\n" * 30, "utf-8")
    said = cli("plan", "dataset=text", "dataset.path=text.txt", "eval=[qa]", f"eval.qa.path={own}")
    assert said.code == 0


def test_few_examples_need_a_suite_that_writes_answers(cli, faq):
    said = cli("plan", f"dataset={faq}", "eval=[perplexity]", "compare.few_shot=2")
    assert "compare.few_shot=2: no suite of this run writes answers" in said.err
