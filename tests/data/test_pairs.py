"""Held-out preference pairs are kept as questions with two answers."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ftrecipe.components.dataset import OnOverlong, Split
from ftrecipe.components.dataset.preference import PreferencePairs
from ftrecipe.data.build import built
from ftrecipe.data.prepared import EvalExample, Job
from ftrecipe.data.tokens.masks import TrainOn

ALL_TEST = Split(train=0.0, validation=0.0, test=1.0)
TURNS = {
    "chosen": [
        {"role": "assistant", "content": "Which one?"},
        {"role": "user", "content": "The first."},
        {"role": "assistant", "content": "Then it is one."},
    ],
    "rejected": [{"role": "assistant", "content": "No idea."}],
}
PAIR = {"prompt": "What is it?", "chosen": "It is one.", "rejected": "It is two."}


def prepared(tmp_path, tokenizer, rows: list[dict[str, Any]], **settings) -> list[EvalExample]:
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = replace(PreferencePairs(path=str(file), split=ALL_TEST), **settings)
    job = Job(source, tokenizer, 100, TrainOn.answers, 42, accepts=("preference",), trains=False)
    with built(job, tmp_path / "data", lambda total: lambda count: None) as data:
        assert data.report["failures"] == []
        return data.examples("test")


def test_a_pair_is_a_question_with_both_answers(tmp_path, tokenizer):
    (found,) = prepared(tmp_path, tokenizer, [PAIR])
    assert found.question == "What is it?"
    assert [message["content"] for message in found.messages] == ["What is it?"]
    assert found.answers == ["It is one."]
    assert found.chosen == [{"role": "assistant", "content": "It is one."}]
    assert found.rejected == [{"role": "assistant", "content": "It is two."}]
    assert found.reply == found.chosen[0]


def test_of_several_messages_the_first_one_answers_the_question(tmp_path, tokenizer):
    (found,) = prepared(tmp_path, tokenizer, [{"prompt": "What is it?", **TURNS}])
    assert found.answers == ["Which one?"]
    assert (found.chosen, found.rejected) == (TURNS["chosen"], TURNS["rejected"])


@pytest.mark.parametrize("side", ["chosen", "rejected"])
def test_a_pair_is_left_out_where_either_answer_is_too_long(tmp_path, tokenizer, side):
    long = {**PAIR, side: "word " * 200}
    found = prepared(tmp_path, tokenizer, [PAIR, long], on_overlong=OnOverlong.drop)
    assert [example.where.endswith("line 1") for example in found] == [True]
