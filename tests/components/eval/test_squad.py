import json
from pathlib import Path

import pytest

from ftrecipe.components.eval.squad import best, exact_match, f1, normalize

SQUAD = Path(__file__).parents[4] / "shared" / "data" / "eval-squad"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Eiffel Tower!", "eiffel tower"),
        ("an apple, a day", "apple day"),
        ("theatre", "theatre"),
        ("state-of-the-art", "stateoftheart"),
        ("don't", "dont"),
        ("$5.00", "500"),
        ("Größe – «Ähre»", "größe – «ähre»"),
        ("\u00a0new\nline\t", "new line"),
        ("the", ""),
        ("", ""),
    ],
)
def test_normalization_is_squads(text, normal):
    assert normalize(text) == normal


def test_exact_match_forgives_case_articles_and_punctuation():
    assert exact_match("The Denver Broncos.", "denver broncos") == 1
    assert exact_match("Denver", "Denver Broncos") == 0


def test_f1_counts_every_word_as_often_as_both_have_it():
    assert f1("cat cat dog", "cat dog dog") == pytest.approx(2 / 3)
    assert f1("red", "blue") == 0


def test_two_answers_of_nothing_agree_and_one_of_nothing_is_wrong():
    assert f1("the", "") == 1
    assert f1("", "word") == 0


def test_the_best_of_several_accepted_answers_counts():
    assert best(exact_match, "USA", ["United States", "the USA"]) == 1


@pytest.mark.skipif(not SQUAD.is_dir(), reason="shared/data is not here")
def test_scores_equal_the_official_script_on_berts_predictions():
    said = json.loads((SQUAD / "pred_bert_ensemble_dev-v1.1.json").read_text("utf-8"))
    articles = json.loads((SQUAD / "xquad.en.json").read_text("utf-8"))["data"]
    questions = [
        question for a in articles for paragraph in a["paragraphs"] for question in paragraph["qas"]
    ]
    pairs = [(said[q["id"]], [x["text"] for x in q["answers"]]) for q in questions]
    exact = 100 * sum(best(exact_match, *pair) for pair in pairs) / len(pairs)
    words = 100 * sum(best(f1, *pair) for pair in pairs) / len(pairs)
    assert (round(exact, 4), round(words, 4)) == (74.8739, 86.3247)
