"""Suite `prompts`: what is asked, from a list and from files."""

import json
from pathlib import Path
from typing import Any

import pytest

from ftrecipe.components.dataset import Dataset
from ftrecipe.components.dataset.prompt_completion import PromptCompletion
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.eval import Completion
from ftrecipe.components.eval.prompts import Prompts
from ftrecipe.data.corpus import gather
from ftrecipe.data.prepared import EvalExample

RUN = QuestionAnswer(path="a.jsonl", system="Be kind.")


def asked(suite: Prompts, run: Dataset = RUN) -> tuple[list[Any], list[str]]:
    """Return the examples of a suite's own data, and what was wrong with rows."""
    data = suite.own_data(run)
    assert data is not None
    corpus = gather(data, [], 0)
    found = [example for _, example in corpus.rows]
    return found, [text for one in corpus.readings for text in one.shown] + corpus.refused


def lines(file: Path, *rows: Any) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(file)


def test_a_list_is_asked_with_the_system_prompt_of_the_run():
    found, _ = asked(Prompts(prompts=["Hi?", "A list, with commas"]))
    assert [one.messages for one in found] == [
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi?"}],
        [{"role": "system", "content": "Be kind."},
         {"role": "user", "content": "A list, with commas"}],
    ]  # fmt: skip


def test_a_text_file_has_a_prompt_a_line_whatever_lines_are_empty(tmp_path):
    (tmp_path / "p.txt").write_text("one\n\ntwo, three\n  four \n", "utf-8")
    found, _ = asked(Prompts(path=str(tmp_path / "p.txt"), prompts=["zero"]))
    assert [one.question for one in found] == ["zero", "one", "two, three", "four"]


def test_rows_may_be_prompts_or_messages_and_may_say_what_is_expected(tmp_path):
    turns = [{"role": "system", "content": "Own."}, {"role": "user", "content": "b?"}]
    path = lines(
        tmp_path / "p.jsonl",
        {"prompt": "a?", "answer": "A"},
        {"messages": turns},
        {"messages": [*turns, {"role": "assistant", "content": "B"}]},
        {"prompt": turns, "answers": ["B", "b"]},
    )
    found, _ = asked(Prompts(path=path))
    assert [one.answers for one in found] == [["A"], [], ["B"], ["B", "b"]]
    assert all(one.messages[0]["content"] == "Own." for one in found[1:])
    assert all(one.messages[-1]["role"] == "user" for one in found)


def test_data_that_is_learned_without_a_template_is_asked_without_one():
    run = PromptCompletion(path="a.jsonl", chat=False, system="Tell.")
    [example], _ = asked(Prompts(prompts=["Once upon "]), run)
    assert (example.text, example.completion) == ("Tell.\n\nOnce upon", "")


def test_rows_that_ask_nothing_are_told(tmp_path):
    path = lines(tmp_path / "p.jsonl", {"prompt": ""}, {"words": "x"}, {"prompt": "a?"})
    found, wrong = asked(Prompts(path=path))
    assert len(found) == 1
    assert len(wrong) == 2


@pytest.mark.parametrize(
    ("suite", "word"),
    [
        (Prompts(), "prompts is empty"),
        (Prompts(prompts=["a", " "]), "number 2 is empty"),
        (Prompts(prompts=["a"], format="messages"), "no meaning"),
    ],
)
def test_settings_that_ask_nothing_are_refused(suite, word):
    [fault] = suite.faults()
    assert word in fault


class Talking:
    def examples(self, split, limit=None):
        return [EvalExample([1], "q?", "", [], "prompts prompt 1", open=True)]

    def generate(self, prompts, decoding, batch_size=None):
        return [Completion("two words", 2, False)]


def test_answers_are_counted_and_kept_to_be_read():
    result = Prompts(prompts=["q?"]).measure(Talking())
    assert result.metrics == {"unfinished": 100, "words": 2, "prompts": 1}
    assert result.rows[0]["answer"] == "two words"
    assert Prompts().direction("words") is None
