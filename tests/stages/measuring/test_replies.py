"""The loss of an expected reply is that of the row that was prepared of the same example."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from ftrecipe.components.dataset import Split as Shares
from ftrecipe.components.dataset.messages import Messages
from ftrecipe.components.dataset.prompt_completion import PromptCompletion
from ftrecipe.components.dataset.question_answer import QuestionAnswer
from ftrecipe.components.eval import Split
from ftrecipe.data.build import built
from ftrecipe.data.files.locate import packaged_file
from ftrecipe.data.prepared import Job, Prepared
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.stages.measuring.measure import Subject

WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"city": "string"}}}
CALL = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}


def said(*contents):
    roles = ("user", "assistant")
    return [{"role": roles[at % 2], "content": text} for at, text in enumerate(contents)]


ROWS = {
    "one exchange": (QuestionAnswer(system="s"), [{"question": "Who?", "answer": "Ada Lovelace."}]),
    "several turns": (Messages(), [{"messages": said("Who?", "Ada.", "When?", "In 1843.")}]),
    "a tool that is called": (
        Messages(),
        [
            {
                "messages": [
                    {"role": "user", "content": "Weather in Ulm?"},
                    {"role": "assistant", "content": "", "tool_calls": [CALL]},
                ],
                "tools": [WEATHER],
            }
        ],
    ),
    "a raw completion": (
        PromptCompletion(chat=False),
        [{"prompt": "Q: Who?\nA: ", "completion": "Ada\n"}],
    ),
}


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(packaged_file("builtin:tiny"))


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.3,
    )
    return LlamaForCausalLM(config)


@pytest.fixture
def subject(model, tokenizer, tmp_path):
    def made(source, rows, train_on=TrainOn.last_answer) -> Subject:
        file: Path = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        source.path, source.split = str(file), Shares(0, 0, 1)
        job = Job(source, tokenizer, None, train_on, 42, trains=False)
        with built(job, tmp_path / "data", lambda total: lambda done: None) as data:
            assert data.report["failures"] == []
        return Subject(model, tokenizer, Prepared.open(tmp_path / "data"))

    return made


@pytest.mark.parametrize("kind", ROWS)
def test_the_loss_of_the_expected_reply_is_that_of_its_row(subject, kind):
    asked = subject(*ROWS[kind])
    [example] = asked.examples(Split.test)
    [row] = asked.split_losses(Split.test)
    expected = example.reply["content"] if example.reply else example.answers[0]
    [reply] = asked.reply_losses([(example, expected)])
    assert (reply.tokens, reply.text_bytes) == (row.tokens, row.text_bytes)
    assert reply.nll == pytest.approx(row.nll, rel=1e-6)
    assert reply.where == row.where


def test_another_reply_has_another_loss_and_calls_no_tool(subject):
    asked = subject(*ROWS["a tool that is called"])
    [example] = asked.examples(Split.test)
    [other] = asked.reply_losses([(example, "No idea.")])
    assert other.text_bytes == len("No idea.")


def test_of_several_turns_only_the_reply_counts(subject):
    asked = subject(*ROWS["several turns"], TrainOn.answers)
    [example] = asked.examples(Split.test)
    [row] = asked.split_losses(Split.test)
    [reply] = asked.reply_losses([(example, "In 1843.")])
    assert reply.text_bytes == len("In 1843.")
    assert row.text_bytes == len("Ada.In 1843.")


@pytest.mark.parametrize("text", ["Ada.", "Größe – «Ähre» 日本 🙂", "a  b\n\n c"])
def test_bytes_are_those_of_the_answer_whatever_its_tokens(subject, text):
    asked = subject(QuestionAnswer(), [{"question": "Who?", "answer": text}])
    [row] = asked.split_losses(Split.test)
    assert row.text_bytes == len(text.encode())


def test_of_everything_each_byte_counts_but_the_first_tokens(subject):
    asked = subject(QuestionAnswer(), [{"question": "Who?", "answer": "Ada."}])
    [row] = asked.split_losses(Split.test, everything=True)
    assert row.text_bytes == len("user\nWho?\nassistant\nAda.\n")


def test_the_first_token_of_a_text_stands_for_nothing_that_was_predicted(subject, tokenizer):
    asked = subject(QuestionAnswer(), [{"question": "Who?", "answer": "Ada."}])
    text = "Once upon a time"
    [loss] = asked.text_losses([text], 64)
    first = tokenizer.decode(tokenizer(text)["input_ids"][:1], skip_special_tokens=True)
    assert loss.text_bytes == len(text) - len(first)
