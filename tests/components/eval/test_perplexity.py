"""Suite `perplexity`: what is made of the losses of single examples."""

import math

import pytest

from ftrecipe.compare.bootstrap import Settings, changes
from ftrecipe.components.eval import ExampleLoss
from ftrecipe.components.eval.perplexity import Perplexity


class Losing:
    """Has these losses on the answers, and others on everything."""

    def __init__(self, *losses: ExampleLoss, everything: list[ExampleLoss] | None = None) -> None:
        self.losses, self.everything = list(losses), everything or []

    def split_losses(self, split, limit=None, everything=False, batch_size=None):
        return self.everything if everything else self.losses


def loss(nll: float, tokens: int = 1, **more) -> ExampleLoss:
    return ExampleLoss(nll, tokens, 0, **more)


def test_bits_per_byte_are_bits_of_all_tokens_by_the_bytes_of_their_text():
    model = Losing(loss(math.log(2) * 12, 3, text_bytes=4), loss(math.log(2) * 4, 5, text_bytes=4))
    assert Perplexity().measure(model).metrics["bits_per_byte"] == pytest.approx(2)


def test_everything_has_the_same_metrics_as_the_answers():
    model = Losing(loss(2.0, text_bytes=1), everything=[loss(9.0, 3, text_bytes=2)])
    metrics = Perplexity(everything=True).measure(model).metrics
    answers = {name for name in metrics if not name.endswith("_everything")} - {"tokens"}
    assert {f"{name}_everything" for name in answers} < set(metrics)
    assert metrics["loss_everything"] == 3


def test_the_sources_of_a_mix_are_told_apart():
    rows = loss(2.0, 1, source="faq"), loss(9.0, 3, source="chat"), loss(4.0, 1, source="faq")
    metrics = Perplexity().measure(Losing(*rows)).metrics
    assert metrics["loss.faq"] == 3
    assert metrics["loss.chat"] == 3
    assert metrics["perplexity.faq"] == pytest.approx(math.exp(3))
    assert metrics["loss"] == 3


def test_one_source_alone_is_the_whole():
    metrics = Perplexity().measure(Losing(loss(2.0, source="faq"))).metrics
    assert not [name for name in metrics if "." in name]


def test_the_name_of_a_source_is_made_safe_for_a_metric():
    metrics = Perplexity().measure(Losing(loss(1.0, source="a.b c"), loss(2.0, source="d"))).metrics
    assert {"loss.a_b_c", "loss.d"} < set(metrics)
    assert Perplexity().direction("loss.a_b_c") == "min"


def test_a_row_says_where_its_example_is_from():
    [row] = Perplexity().measure(Losing(loss(2.0, where="a.jsonl line 3", source="faq"))).rows
    assert {name: row[name] for name in Perplexity.identity} == {
        "where": "a.jsonl line 3",
        "source": "faq",
    }


def test_each_source_has_an_interval_of_its_own():
    before = [loss(2.0 + at % 3, source="ab"[at % 2]) for at in range(40)]
    after = [loss(1.0 + at % 3, source="ab"[at % 2]) for at in range(40)]
    suite = Perplexity()
    rows = [suite.measure(Losing(*losses)).rows for losses in (after, before)]
    found = changes(suite, *rows, Settings(resamples=200))
    assert found["loss.a"].change == pytest.approx(-1)
    assert found["loss.b"].real
