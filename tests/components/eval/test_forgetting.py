"""Suite `forgetting`: general text and general questions."""

import json

import pytest

from ftrecipe.components.dataset import OnOverlong
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.eval import Completion, ExampleLoss
from ftrecipe.components.eval.forgetting import Forgetting, read_texts
from ftrecipe.components.eval.squad import normalize
from ftrecipe.data.files.locate import packaged_file
from ftrecipe.data.prepared import EvalExample

ASKED = [
    EvalExample([1], "capital of France?", "", ["Paris"], "row 1"),
    EvalExample([2], "two plus three?", "", ["5", "five"], "row 2"),
]


class Knowing:
    """Says the same to every question; texts and answers have fixed losses."""

    def examples(self, split, limit=None):
        return ASKED[:limit]

    def text_losses(self, texts, max_length, batch_size=None):
        return [ExampleLoss(6.0, 2, 0, 8) for _ in texts]

    def reply_losses(self, asked, batch_size=None):
        return [ExampleLoss(1.0, 1, 0, len(reply), one.where) for one, reply in asked]

    def generate(self, prompts, decoding, batch_size=None):
        assert decoding.max_new_tokens == 16
        return [Completion("five", 1, True) for _ in prompts]


def test_text_and_questions_are_measured_apart():
    metrics = Forgetting(max_samples=3).measure(Knowing()).metrics
    assert metrics["loss"] == 3
    assert metrics["loss.questions"] == 1
    assert metrics["exact_match.questions"] == 50
    assert metrics["questions"] == 2


def test_questions_can_be_switched_off():
    suite = Forgetting(questions=None)
    result = suite.measure(Knowing())
    assert not [name for name in result.metrics if "questions" in name]
    assert {row["kind"] for row in result.rows} == {"text"}
    assert suite.own_data(QuestionAnswer()) is None


def test_every_metric_of_the_questions_rises_or_falls():
    measured = Forgetting(max_samples=1).measure(Knowing()).metrics
    for name in set(measured) - {"tokens", "questions"}:
        assert Forgetting().direction(name) in ("min", "max")


def test_the_shipped_questions_are_short_and_each_has_an_answer():
    lines = packaged_file("builtin:general_questions.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) >= 60
    assert len({normalize(row["question"]) for row in rows}) == len(rows)
    assert all(row["answers"] and all(map(normalize, row["answers"])) for row in rows)
    assert max(len(answer.split()) for row in rows for answer in row["answers"]) <= 5


def test_questions_have_the_system_prompt_of_the_run_and_are_dropped_where_too_long():
    data = Forgetting().own_data(QuestionAnswer(path="a.jsonl", system="Be brief."))
    assert data is not None
    assert data.system == "Be brief."
    assert data.on_overlong is OnOverlong.drop


def test_a_row_of_text_says_which_line_it_is(tmp_path):
    file = tmp_path / "text.jsonl"
    file.write_text('{"text": "one"}\n\n{"text": "two"}\n', "utf-8")
    assert read_texts(str(file)) == [(f"{file} line 1", "one"), (f"{file} line 3", "two")]


def test_a_missing_file_is_a_fault_of_its_key(tmp_path):
    [fault] = Forgetting(path=str(tmp_path / "no.jsonl")).faults()
    assert fault.startswith("path: ")


@pytest.mark.parametrize("name", ["loss", "exact_match.questions"])
def test_percent_is_said_of_shares_only(name):
    assert Forgetting().is_percent(name) == (name != "loss")
