"""The suite `generation` gives what sacrebleu and rouge-score give, in any resample."""

import json
import logging
import math
import random
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from ftrecipe.compare.tallies import Tallies
from ftrecipe.components.eval import Completion
from ftrecipe.components.eval.bleu import BLEU_COUNTS, CHRF_COUNTS, bleu, chrf
from ftrecipe.components.eval.generation import Generation, Tokenize
from ftrecipe.components.eval.qa import Qa
from ftrecipe.components.eval.variety import distinct, runs

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "and",
    "Dog's",
    "über",
    ".",
    ",",
    "3.5",
    "zwei",
    "中文",
    "\u00a0",
]


def asked(answers):
    return SimpleNamespace(where="w", question="q", answers=answers, source="")


def measured(said, golds, suite=None, ended=True):
    suite = suite or Generation()
    pairs = zip(said, golds, strict=True)
    return suite.result([suite.row(asked(g), Completion(s, 1, ended)) for s, g in pairs])


def streams(golds):
    """References as sacrebleu wants them: one list for each place, None where there is none."""
    most = max(map(len, golds))
    return [[gold[at] if at < len(gold) else None for gold in golds] for at in range(most)]


def corpus(seed, longest=14):
    dice = random.Random(seed)

    def text(least):
        return " ".join(dice.choices(WORDS, k=dice.randint(least, longest)))

    golds = [[text(1) for _ in range(dice.randint(1, 3))] for _ in range(dice.randint(1, 10))]
    return [dice.choice([text(0), dice.choice(gold)]) for gold in golds], golds


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("longest", [2, 4, 14])
def test_bleu_and_chrf_are_those_of_sacrebleu(longest, lowercase):
    for seed in range(25):
        said, golds = corpus(seed, longest)
        metrics = measured(said, golds, Generation(lowercase=lowercase)).metrics
        wanted = BLEU(lowercase=lowercase).corpus_score(said, streams(golds)).score
        assert metrics["bleu"] == pytest.approx(wanted, abs=1e-9)
        wanted = CHRF(lowercase=lowercase).corpus_score(said, streams(golds)).score
        assert metrics["chrf"] == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("tokenize", Tokenize)
def test_every_tokenizer_is_sacrebleus(tokenize):
    said, golds = corpus(3)
    wanted = BLEU(tokenize=tokenize.of_sacrebleu).corpus_score(said, streams(golds)).score
    metrics = measured(said, golds, Generation(tokenize=tokenize)).metrics
    assert metrics["bleu"] == pytest.approx(wanted, abs=1e-9)


def test_answers_of_nothing_score_nothing():
    metrics = measured(["", ""], [["a cat"], ["a dog"]]).metrics
    assert [metrics[name] for name in ("bleu", "chrf", "rouge1", "rougeL")] == [0, 0, 0, 0]


def test_a_share_of_nothing_is_left_out():
    metrics = measured(["", ""], [["a cat"], ["a dog"]]).metrics
    assert {"distinct_1", "distinct_2"} & set(metrics) == set()
    assert metrics["length_ratio"] == 0
    assert "length_ratio" not in measured(["a"], [[]]).metrics
    assert all(map(math.isfinite, metrics.values()))


def test_a_question_without_an_answer_is_scored_as_sacrebleu_does_with_an_empty_reference():
    metrics = measured(["a cat sat down", "x"], [["a cat sat down"], []]).metrics
    wanted = BLEU().corpus_score(["a cat sat down", "x"], [["a cat sat down", ""]]).score
    assert metrics["bleu"] == pytest.approx(wanted, abs=1e-9)


def test_every_resample_has_the_corpus_score_of_its_examples():
    said, golds = corpus(5)
    found = Tallies(Generation(), measured(said, golds).rows)
    dice = np.random.default_rng(0)
    weights = dice.multinomial(len(said), [1 / len(said)] * len(said), size=6).astype(float)
    units = found.units(found.columns)
    many = found.scores(found.columns, weights @ units, weights.sum(axis=1))
    for at, times in enumerate(weights.astype(int)):
        drawn = [k for k, count in enumerate(times) for _ in range(count)]
        texts, refs = [said[k] for k in drawn], streams([golds[k] for k in drawn])
        assert many["bleu"][at] == pytest.approx(BLEU().corpus_score(texts, refs).score, abs=1e-9)
        assert many["chrf"][at] == pytest.approx(CHRF().corpus_score(texts, refs).score, abs=1e-9)


def test_scores_of_no_statistics_are_zero():
    assert bleu(np.zeros((2, BLEU_COUNTS))).tolist() == [0, 0]
    assert chrf(np.zeros((2, CHRF_COUNTS))).tolist() == [0, 0]


@pytest.mark.parametrize("stemmer", [False, True])
def test_rouge_is_that_of_rouge_score_with_the_best_reference(stemmer):
    said, golds = corpus(7)
    names = ["rouge1", "rouge2", "rougeL"]
    scorer = RougeScorer(names, use_stemmer=stemmer)
    found = measured(said, golds, Generation(stemmer=stemmer))
    each = [scorer.score_multi(gold, text) for text, gold in zip(said, golds, strict=True)]
    for name in names:
        own = [score[name].fmeasure for score in each]
        assert [row[name] for row in found.rows] == own
        assert found.metrics[name] == pytest.approx(100 * sum(own) / len(own), abs=1e-9)


def test_distinct_is_the_share_of_different_runs_among_those_of_all_answers():
    said = ["the cat sat", "The cat ran off", "the cat sat", "", "so"]
    metrics = measured(said, [["x"]] * 5).metrics
    for name, size in (("distinct_1", 1), ("distinct_2", 2)):
        grams = [run for text in said for run in runs(text, size)]
        assert metrics[name] == pytest.approx(100 * len(set(grams)) / len(grams))


def test_what_texts_add_to_the_different_runs_sums_to_their_number():
    assert distinct(["a b", "a c", "a"], 1) == pytest.approx([1 / 3 + 1, 1 / 3 + 1, 1 / 3])


def test_the_same_answer_to_everything_is_not_distinct():
    same = measured(["yes it is"] * 10, [["x"]] * 10).metrics
    assert same["distinct_1"] == pytest.approx(10)


def test_lengths_are_in_words_and_held_against_the_first_answer():
    metrics = measured(["one two three", "one"], [["a b", "a b c d"], ["a b"]]).metrics
    assert (metrics["mean_length"], metrics["length_ratio"]) == (2, 1)


def test_unfinished_answers_are_counted_and_not_told_where_nobody_knows():
    assert measured(["a"], [["a"]], ended=False).metrics["unfinished"] == 100
    assert "unfinished" not in measured(["a"], [["a"]], ended=None).metrics


def test_by_default_it_asks_what_qa_asks_and_shares_its_answers():
    mine, theirs = Generation(), Qa()
    assert (mine.decoding(), mine.max_samples) == (theirs.decoding(), theirs.max_samples)


def test_rows_are_json_and_enough_to_recompute_every_metric():
    found = measured(*corpus(9))
    rows = json.loads(json.dumps(found.rows))
    assert Tallies(Generation(), rows).metrics() == found.metrics


def test_nothing_is_logged_about_answers_that_end_with_a_spaced_period(caplog):
    with caplog.at_level(logging.WARNING):
        measured(["it is ."] * 120, [["it is ."]] * 120)
    assert caplog.records == []


def test_the_scoring_libraries_are_imported_once_they_are_asked():
    code = (
        "import sys, ftrecipe.components.eval.generation\n"
        "sys.exit(any(name in sys.modules for name in ('sacrebleu', 'rouge_score', 'numpy')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
