import json
from pathlib import Path

import pytest
from asking import Scripted, question

from ftrecipe.components.dataset.preference import PreferencePairs
from ftrecipe.components.eval import ExampleLoss
from ftrecipe.components.eval.likelihood import Normalize
from ftrecipe.components.eval.preference import Preference
from ftrecipe.data.example import Where
from ftrecipe.data.prepared import EvalExample
from ftrecipe.errors import DataError

DPO = Path(__file__).parents[4] / "shared" / "data" / "preference-dpo" / "dpo_en_demo.json"


def said(text: str) -> list[dict]:
    return [{"role": "assistant", "content": text}]


def pair(at: int, better: str, worse: str) -> EvalExample:
    return question(at, better, chosen=said(better), rejected=said(worse))


def by_letters(example: EvalExample, reply: dict) -> ExampleLoss:
    """Lose a nat a letter, and two for every x; words are tokens."""
    text = reply["content"]
    return ExampleLoss(len(text) + text.count("x"), len(text.split()), 0)


def test_the_likelier_answer_is_the_preferred_one():
    model = Scripted([pair(1, "aa", "xxx"), pair(2, "xx", "a")], loses=by_letters)
    found = Preference(normalize=Normalize.none).measure(model)
    assert found.metrics == {"accuracy": 50, "margin": pytest.approx((4 - 3) / 2), "pairs": 2}
    assert found.rows[0]["chosen_nll"] == 2


def test_a_longer_answer_is_compared_by_its_mean_token():
    model = Scripted([pair(1, "aa aa aa", "xx")], loses=by_letters)
    assert Preference().measure(model).metrics["accuracy"] == 100
    assert Preference(normalize=Normalize.none).measure(model).metrics["accuracy"] == 0


def test_of_equally_likely_answers_none_is_preferred():
    model = Scripted([pair(1, "ab", "cd")], loses=by_letters)
    assert Preference().measure(model).metrics == {"accuracy": 0, "margin": 0, "pairs": 1}


def test_every_message_of_the_assistant_counts_after_what_was_said_before_it():
    chosen = [*said("a"), {"role": "user", "content": "and?"}, *said("bb")]
    asked = question(1, "a", chosen=chosen, rejected=said("xxxx"))
    model = Scripted([asked], loses=by_letters)
    rows = Preference().measure(model).rows
    assert rows[0]["chosen_nll"] == 3
    assert [len(example.messages) for example, _ in model.replies] == [1, 3, 1]


def test_questions_without_pairs_are_refused_with_their_place():
    (fault,) = Preference().unfit([pair(1, "a", "b"), question(2, "a")])
    assert "data.csv line 2 is none" in fault
    assert "eval.preference.path=FILE" in fault
    assert "there is none" in Preference().unfit([])[0]
    with pytest.raises(DataError):
        Preference().measure(Scripted([question(2, "a")]))


@pytest.mark.skipif(not DPO.is_file(), reason="shared/data is not here")
def test_real_pairs_are_read_and_told_apart():
    records = json.loads(DPO.read_text("utf-8"))[:20]
    asked = []
    for at, record in enumerate(records, 1):
        (read,) = PreferencePairs().examples(record, Where(DPO.name, "row", at))
        asked.append(
            question(at, *read.answers, messages=read.messages, chosen=read.chosen,
                     rejected=read.rejected)
        )  # fmt: skip
    found = Preference().measure(Scripted(asked, loses=by_letters))
    assert found.metrics["pairs"] == 20
    assert all(row["chosen"] != row["rejected"] for row in found.rows)
