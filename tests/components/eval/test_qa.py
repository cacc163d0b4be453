"""The suite `qa`: several gold answers, and questions that have none."""

import json
import random
from collections import Counter
from types import SimpleNamespace

import pytest

from ftrecipe.compare.bootstrap import Settings, changes, intervals
from ftrecipe.compare.tallies import Tallies
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.eval import Completion
from ftrecipe.components.eval.qa import Qa
from ftrecipe.components.eval.squad import normalize
from ftrecipe.config import GROUPS


def row(answers, said, suite=None, **how):
    example = SimpleNamespace(where="w", question="q", answers=answers, source="")
    return (suite or Qa()).row(example, Completion(said, 1, True, **how))


def right(answers, said, suite=None, **how):
    judged = row(answers, said, suite, **how)
    return judged["exact_match"], judged["f1"]


def test_the_best_of_the_gold_answers_counts_for_each_metric_by_itself():
    assert right(["x y", "Denver"], "the Denver") == (1, 1)
    assert right(["cat dog", "dog"], "cat dog bird") == (0, pytest.approx(0.8))


@pytest.mark.parametrize("said", ["", "  ", "Unanswerable.", "no answer", "the"])
def test_saying_nothing_is_right_where_there_is_no_gold_answer(said):
    assert right([], said) == (1, 1)
    assert right([""], said) == (1, 1)
    assert right(["unanswerable"], said) == (1, 1)


def test_any_word_is_wrong_where_there_is_no_gold_answer():
    assert right([], "Denver") == (0, 0)
    assert right(["unanswerable"], "the question is unanswerable") == (0, 0)


def test_saying_nothing_is_wrong_where_there_is_a_gold_answer():
    assert right(["Denver"], "") == (0, 0)
    assert right(["Denver", "no answer"], "unanswerable") == (0, 0)


def test_a_gold_answer_that_is_an_article_is_an_answer():
    assert row(["A"], "A")["answerable"] is True
    assert right(["A"], "A") == (1, 0)  # as in version 1.1: no word is shared


def test_the_phrases_that_mean_no_answer_are_configured():
    german = Qa(no_answer=["Keine Antwort"])
    assert right([], "keine Antwort!", german) == (1, 1)
    assert right([], "unanswerable", german) == (0, 0)
    assert row(["unanswerable"], "", german)["answerable"] is True


def test_a_missing_answer_is_wrong_even_where_saying_nothing_is_right():
    assert right([], "", missing=True) == (0, 0)
    assert right(["the"], "", missing=True) == (0, 0)


def test_both_kinds_of_questions_have_metrics_of_their_own():
    rows = [row(["a b"], "b"), row(["x"], "y"), row([], ""), row([], ""), row([], "z")]
    metrics = Qa().result(rows).metrics
    assert metrics["exact_match"] == pytest.approx(60)
    assert metrics["exact_match.answerable"] == pytest.approx(50)
    assert metrics["exact_match.unanswerable"] == pytest.approx(200 / 3)
    assert (metrics["questions.answerable"], metrics["questions.unanswerable"]) == (2, 3)
    assert Qa().direction("f1.unanswerable") == "max"
    assert Qa().is_percent("f1.answerable")


@pytest.mark.parametrize("answers", [["x"], []])
def test_one_kind_alone_has_no_metrics_of_its_own(answers):
    assert set(Qa().result([row(answers, "x")]).metrics) == {"exact_match", "f1", "questions"}


def official_of_version_2(asked, said):
    """What the official script of SQuAD v2.0 does, with its names; F1 in percent."""
    scores = {True: [], False: []}
    for golds, text in zip(asked, said, strict=True):
        gold_answers = [gold for gold in golds if normalize(gold)] or [""]
        each = []
        for gold in gold_answers:
            gold_toks, pred_toks = normalize(gold).split(), normalize(text).split()
            num_same = sum((Counter(gold_toks) & Counter(pred_toks)).values())
            if not gold_toks or not pred_toks:
                each.append(float(gold_toks == pred_toks))
            else:
                each.append(2 * num_same / (len(gold_toks) + len(pred_toks)))
        scores[bool(golds)].append(max(each))
    return {kind: 100 * sum(found) / len(found) for kind, found in scores.items()}


def test_both_kinds_are_scored_as_the_official_script_of_version_2_does():
    dice = random.Random(0)
    words = ["the", "a", "cat", "Cat.", "dog", "", "über"]

    def text():
        return " ".join(dice.choices(words, k=dice.randint(0, 4)))

    asked = [[text() + " word" for _ in range(dice.choice([0, 1, 3]))] for _ in range(300)]
    said = [dice.choice(["", text(), *golds]) for golds in asked]
    rows = [row(golds, text) for golds, text in zip(asked, said, strict=True)]
    metrics = Qa().result(rows).metrics
    wanted = official_of_version_2(asked, said)
    assert metrics["f1.answerable"] == pytest.approx(wanted[True])
    assert metrics["f1.unanswerable"] == pytest.approx(wanted[False])


def test_a_resample_without_a_kind_leaves_its_intervals_finite():
    rows = [row(["x"], "x" if at % 2 else "y") for at in range(30)]
    rows += [row([], "" if at else "z") for at in range(3)]
    found = intervals(Qa(), rows, Settings(resamples=400))["f1.unanswerable"]
    assert found.value == pytest.approx(200 / 3)
    assert found.low is None or 0 <= found.low <= found.value
    assert changes(Qa(), rows, rows, Settings(resamples=400))["f1.unanswerable"].real is False


def test_tallies_give_the_metrics_of_the_rows():
    rows = [row(["x y"], "x"), row(["x"], "x")]
    assert Tallies(Qa(), rows).metrics() == Qa().result(rows).metrics


def test_rows_are_json():
    assert json.loads(json.dumps(row(["x"], "x")))["exact_match"] == 1.0


def squad(*asked):
    return {"title": "t", "paragraphs": [{"context": "c", "qas": list(asked)}]}


def test_questions_without_an_answer_are_left_out_of_data_unless_a_phrase_answers_them(tmp_path):
    known = {"question": "q1?", "answers": [{"text": "yes", "answer_start": 0}]}
    none = {"question": "q2?", "answers": [], "is_impossible": True}
    where = SimpleNamespace()
    plain = QuestionAnswer().examples(squad(known, none), where)  # pyright: ignore
    assert [one.answers for one in plain] == [["yes"]]
    data = QuestionAnswer(unanswerable="unanswerable")
    both = data.examples(squad(known, none), where)  # pyright: ignore
    assert [one.answers for one in both] == [["yes"], ["unanswerable"]]
    hub = {"question": "q", "answers": {"text": [], "answer_start": []}}
    assert data.examples(hub, where)[0].answers == ["unanswerable"]  # pyright: ignore


def test_a_file_of_its_own_brings_its_questions_without_an_answer(tmp_path):
    file = tmp_path / "v2.json"
    none = {"id": "1", "question": "q2?", "answers": [], "is_impossible": True}
    file.write_text(json.dumps({"version": "v2.0", "data": [squad(none)]}))
    suite = Qa(path=str(file), no_answer=["unknown"])
    data = suite.own_data(QuestionAnswer(path="run.csv"))
    assert isinstance(data, GROUPS["dataset"].get("question_answer"))
    assert data.unanswerable == "unknown"
    assert Qa(path=str(file), no_answer=[]).own_data(QuestionAnswer(path="run.csv")) is not None
    assert Qa().own_data(QuestionAnswer(path="run.csv")) is None
