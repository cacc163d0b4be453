import json
import random
import re
import string
from collections import Counter
from pathlib import Path

import pytest

from ftrecipe.components.eval.squad import best, exact_match, f1, normalize

SQUAD = Path(__file__).parents[4] / "shared" / "data" / "eval-squad"


class Official:
    """What the official script of SQuAD v1.1 does, line by line, to be compared with."""

    @staticmethod
    def normalize_answer(s):
        def remove_articles(text):
            return re.sub(r"\b(a|an|the)\b", " ", text)

        def white_space_fix(text):
            return " ".join(text.split())

        def remove_punc(text):
            exclude = set(string.punctuation)
            return "".join(ch for ch in text if ch not in exclude)

        return white_space_fix(remove_articles(remove_punc(s.lower())))

    @classmethod
    def exact_match(cls, prediction, ground_truth):
        return cls.normalize_answer(prediction) == cls.normalize_answer(ground_truth)

    @classmethod
    def f1(cls, prediction, ground_truth):
        prediction_tokens = cls.normalize_answer(prediction).split()
        ground_truth_tokens = cls.normalize_answer(ground_truth).split()
        common = Counter(prediction_tokens) & Counter(ground_truth_tokens)
        num_same = sum(common.values())
        if num_same == 0:
            return 0
        precision = 1.0 * num_same / len(prediction_tokens)
        recall = 1.0 * num_same / len(ground_truth_tokens)
        return (2 * precision * recall) / (precision + recall)


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
        ("THE A an", ""),
        ("a.n.", ""),
        ("the-end", "theend"),
        ("the\u2013end", "\u2013end"),
        ("A's", "as"),
        ("'the'", ""),
        ("¿Qué?", "¿qué"),
        ("\u200bthe", "\u200b"),
        ("thé", "thé"),
        ("İstanbul", "i̇stanbul"),
        ("10,000", "10000"),
        ("3 % of a", "3 of"),
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


def test_answers_of_nothing_match_and_share_no_word_as_in_version_1_1():
    assert (exact_match("the", ""), f1("the", "")) == (1, 0)
    assert (exact_match("", "word"), f1("", "word")) == (0, 0)
    assert (exact_match("A", "the."), f1("A", "the.")) == (1, 0)


def test_any_two_texts_are_compared_as_the_official_script_does():
    dice = random.Random(0)
    words = ["a", "the", "An", "cat", "Cat.", "dog's", "\u00a0", "über", "—", "3.5", "中文", ""]
    for _ in range(3000):
        said, gold = (" ".join(dice.choices(words, k=dice.randint(0, 5))) for _ in range(2))
        assert exact_match(said, gold) == Official.exact_match(said, gold)
        assert f1(said, gold) == pytest.approx(Official.f1(said, gold), abs=1e-12)


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
