import subprocess
import sys

import pytest
from omegaconf import OmegaConf

import ftrecipe.components.eval as package
from ftrecipe.components.eval import GROUP, Completion, ExampleLoss
from ftrecipe.components.eval.forgetting import read_texts
from ftrecipe.components.eval.perplexity import Perplexity
from ftrecipe.components.eval.qa import Qa
from ftrecipe.components.eval.variety import repetition
from ftrecipe.errors import DataError
from ftrecipe.registry import load_all

load_all(package)


class Example:
    prompt_ids = [1]
    question = "who?"
    answers = ["Ada Lovelace", "Lovelace"]
    where = "row 1"


class Parrot:
    """Says the same to everybody."""

    def __init__(self, text: str) -> None:
        self.text = text

    def examples(self, split, limit=None):
        return [Example()]

    def generate(self, prompts, decoding, batch_size=None):
        return [Completion(self.text, 2, True) for _ in prompts]


class Losing:
    """Has these losses on whatever it is asked."""

    def __init__(self, *losses: ExampleLoss) -> None:
        self.losses = list(losses)

    def split_losses(self, split, limit=None, everything=False, batch_size=None):
        return self.losses


@pytest.mark.parametrize("name", GROUP.classes)
def test_every_suite_says_whether_its_headline_should_rise_or_fall(name):
    suite = GROUP.get(name)
    assert suite.directions[suite.headline] in ("max", "min")
    assert set(suite.directions.values()) <= {"max", "min"}


@pytest.mark.parametrize("name", GROUP.classes)
def test_every_suite_is_a_schema_for_hydra(name):
    suite = OmegaConf.to_object(OmegaConf.structured(GROUP.get(name)))
    assert type(suite) is GROUP.get(name)


def test_the_four_suites_are_found():
    assert {"perplexity", "qa", "generation", "forgetting"} <= set(GROUP.classes)


def test_importing_the_suites_imports_no_torch():
    code = (
        "import sys, ftrecipe.components.eval as e; from ftrecipe.registry import load_all;"
        "load_all(e); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_qa_takes_the_best_of_the_gold_answers():
    result = Qa().measure(Parrot("the Lovelace"))
    assert result.metrics == {"exact_match": 100, "f1": 100, "questions": 1}
    assert result.rows[0]["answer"] == "the Lovelace"


def test_qa_gives_part_marks_by_f1():
    metrics = Qa().measure(Parrot("Countess Lovelace")).metrics
    assert metrics["exact_match"] == 0
    assert metrics["f1"] == pytest.approx(200 / 3)


def test_the_mean_loss_weighs_tokens_not_examples():
    result = Perplexity().measure(Losing(ExampleLoss(10.0, 1, 0), ExampleLoss(2.0, 3, 0)))
    assert result.metrics["loss"] == 3


def test_perplexity_of_a_hopeless_loss_is_infinite():
    result = Perplexity().measure(Losing(ExampleLoss(1000.0, 1, 0)))
    assert result.metrics["perplexity"] == float("inf")


def test_repetition_is_the_share_of_word_triples_said_before():
    assert repetition("a b c d e") == 0
    assert repetition("a b c a b c") == pytest.approx(1 / 4)
    assert repetition("") == 0


def test_a_broken_line_of_general_text_is_named(tmp_path):
    file = tmp_path / "text.jsonl"
    file.write_text('{"text": "one\u2028two"}\n{"words": 1}\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_texts(str(file))


def test_a_missing_file_of_general_text_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_texts(str(tmp_path / "nothing.jsonl"))
