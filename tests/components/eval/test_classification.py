import random

import pytest
from asking import Scripted, question

from ftrecipe.compare.bootstrap import Settings, changes
from ftrecipe.compare.tallies import Sums, Tallies
from ftrecipe.components.eval import ExampleLoss
from ftrecipe.components.eval.classification import MOST_LABELS, Classification
from ftrecipe.components.eval.likelihood import Normalize
from ftrecipe.errors import DataError

LABELS = ["refund", "shipping", "account", "other"]


def rows(count: int, labels: list[str] = LABELS, seed: int = 0) -> list[dict]:
    """Return gold and predicted labels, right about half of the time, and of unlike numbers."""
    dice = random.Random(seed)
    golds = [labels[min(int(dice.expovariate(1)), len(labels) - 1)] for _ in range(count)]
    return [
        {"gold": gold, "predicted": gold if dice.random() < 0.5 else dice.choice(labels)}
        for gold in golds
    ]


def loses(costs: dict[str, tuple[float, int]]):
    """Return losses that depend on the label alone: its nats, and its tokens."""
    return lambda example, reply: ExampleLoss(*costs[reply], 0)


@pytest.mark.parametrize("count", [1, 7, 200])
@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_scikit_learns(count, seed):
    metrics = pytest.importorskip("sklearn.metrics")
    made = rows(count, seed=seed)
    gold, predicted = ([row[side] for row in made] for side in ("gold", "predicted"))
    found = Classification().result(made).metrics
    assert found["accuracy"] == pytest.approx(100 * metrics.accuracy_score(gold, predicted))
    for average in ("macro", "weighted"):
        theirs = metrics.f1_score(gold, predicted, average=average, zero_division=0)
        assert found[f"{average}_f1"] == pytest.approx(100 * theirs)
    held = sorted(set(gold))
    theirs = metrics.f1_score(gold, predicted, labels=held, average=None, zero_division=0)
    assert [found[f"f1.{label}"] for label in held] == pytest.approx(list(100 * theirs))


def test_every_resample_has_the_scores_of_its_own_examples():
    import numpy as np

    made = rows(12)
    tallies = Tallies(Classification(), made)
    weights = np.random.default_rng(0).multinomial(12, [1 / 12] * 12, size=20).astype(float)
    drawn = tallies.scores(tallies.columns, weights @ tallies.values, weights.sum(axis=1))
    for at, times in enumerate(weights):
        alone = [row for row, n in zip(made, times, strict=True) for _ in range(int(n))]
        found = Classification().result(alone).metrics
        for name in ("accuracy", "macro_f1", "weighted_f1"):
            assert drawn[name][at] == pytest.approx(found[name])


def test_no_score_of_any_resample_is_undefined():
    rare = [{"gold": "a", "predicted": "a"}] * 30 + [{"gold": "b", "predicted": "a"}]
    worse = [{**row, "predicted": "c"} for row in rare]
    found = changes(Classification(), rare, worse, Settings())
    assert all(change.low <= change.high for change in found.values())
    assert found["accuracy"].real


def test_the_confusions_can_be_counted_in_the_rows():
    model = Scripted([question(1, "refund"), question(2, "account")], loses=loses(
        {"refund": (1.0, 1), "account": (2.0, 1)}
    ))  # fmt: skip
    found = Classification().measure(model).rows
    assert [(row["gold"], row["predicted"]) for row in found] == [
        ("refund", "refund"), ("account", "refund"),
    ]  # fmt: skip
    assert found[1]["scores"] == {"account": -2.0, "refund": -1.0}


def test_labels_are_all_answers_of_the_split_however_few_are_asked():
    asked = [question(1, "a"), question(2, "b"), question(3, "c")]
    model = Scripted(asked, loses=lambda example, reply: ExampleLoss(1.0, 1, 0))
    result = Classification(max_samples=1).measure(model)
    assert [reply for _, reply in model.replies] == ["a", "b", "c"]
    assert result.metrics["questions"] == 1


@pytest.mark.parametrize(
    ("by", "likeliest"),
    [(Normalize.none, "no"), (Normalize.tokens, "certainly"), (Normalize.bytes, "maybe")],
)
def test_a_score_is_of_the_whole_label_of_a_token_or_of_a_byte(by, likeliest):
    costs = {"no": (3.0, 1), "maybe": (4.0, 2), "certainly": (8.1, 9)}
    model = Scripted([question(n, label) for n, label in enumerate(costs)], loses=loses(costs))
    rows = Classification(normalize=by).measure(model).rows
    assert {row["predicted"] for row in rows} == {likeliest}


def test_of_equal_scores_the_first_label_is_predicted():
    model = Scripted([question(1, "b")], loses=lambda *_: ExampleLoss(1.0, 1, 0))
    rows = Classification(labels=["b", "a"]).measure(model).rows
    assert rows[0]["predicted"] == "b"


def test_a_gold_answer_that_is_no_label_is_told_with_its_place():
    asked = [question(1, "refund"), question(2, "refnd")]
    (fault,) = Classification(labels=["refund", "other"]).unfit(asked)
    assert "data.csv line 2: 'refnd' is none of the labels; did you mean refund?" in fault
    with pytest.raises(DataError, match="line 2"):
        Classification(labels=["refund", "other"]).measure(Scripted(asked))


def test_of_many_strange_answers_a_few_are_shown_and_the_rest_counted():
    asked = [question(n, f"c{n % 5}") for n in range(10)]
    faults = Classification(labels=["a", "b"]).unfit(asked)
    assert faults[0].startswith("data.csv line 0 (and in 1 more): 'c0' is none")
    assert faults[3:] == ["2 more answers are none of the labels"]


def test_answers_that_all_differ_are_no_labels():
    asked = [question(n, f"a sentence, the {n}th") for n in range(MOST_LABELS + 1)]
    (fault,) = Classification().unfit(asked)
    assert "51 different answers" in fault
    assert "eval=[qa]" in fault


def test_one_label_is_nothing_to_choose_from():
    (fault,) = Classification().unfit([question(1, "yes"), question(2, "yes ")])
    assert "every answer is 'yes'" in fault
    assert Classification(labels=["yes"]).faults()


def test_labels_named_twice_or_empty_are_refused():
    assert Classification(labels=["a", "b", "a"]).faults() == ["labels: a is named twice"]
    assert Classification(labels=["a", " "]).faults() == ["labels: one of them is empty"]


def test_a_metric_of_one_label_is_a_percentage_that_should_rise():
    suite = Classification()
    assert suite.is_percent("f1.not a question")
    assert suite.direction("f1.not a question") == "max"


def test_labels_with_points_in_their_names_are_kept_apart():
    made = [{"gold": "a.b", "predicted": "a"}, {"gold": "a", "predicted": "a"}]
    found = Classification().result(made).metrics
    assert (found["f1.a.b"], found["f1.a"]) == (0, pytest.approx(200 / 3))


def test_each_row_has_scores_of_its_own():
    made = [{"gold": "a", "predicted": "a"}, {"gold": "a", "predicted": "b"}]
    tallies = Tallies(Classification(), made)
    import numpy as np

    each = Classification().scores(Sums(tallies.columns, tallies.values, np.ones(2)))
    assert list(each["accuracy"]) == [100, 0]


def test_f1_is_a_metric_of_labels_and_of_nothing_else():
    suite = Classification()
    assert suite.may_measure("f1.refund")
    assert suite.direction("f1.refund") == "max"
    assert not suite.may_measure("f1")
    assert suite.direction("f1") is None
    assert "f1" not in suite.metrics()


def test_a_label_that_a_sample_lacks_has_no_f1_there():
    made = [{"gold": gold, "predicted": gold} for gold in ("refund", "other", "other")]
    tallies = Tallies(Classification(), made)
    each = tallies.scores(tallies.columns, tallies.values, tallies.sizes)
    assert each["f1.refund"].tolist() == pytest.approx(
        [100, float("nan"), float("nan")], nan_ok=True
    )
