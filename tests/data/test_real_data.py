"""Real files of each format, where the shared folder is there: read whole, with exact counts."""

from collections import Counter
from pathlib import Path

import pytest

import ftrecipe.config  # noqa: F401 - registers every format
from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.oasst import Paths
from ftrecipe.components.dataset.sniff import recognize
from ftrecipe.data.cleaning import Cleaning
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading
from ftrecipe.errors import DataError

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")

FILES = [  # file, format, rows, malformed, examples
    ("alpaca-gpteacher/codegen-instruct.json", "alpaca", 4533, 0, 4533),
    ("alpaca-gpteacher/roleplay-simple-deduped-roleplay-instruct.json", "alpaca", 1923, 0, 1923),
    ("alpaca-identity/identity.json", "alpaca", 91, 0, 91),
    ("self-instruct-seed/seed_tasks.jsonl", "alpaca", 175, 0, 175),
    ("eval-squad/xquad.en.json", "question_answer", 48, 0, 1190),
    ("eval-truthfulqa/TruthfulQA.csv", "question_answer", 813, 0, 813),
    ("gemini/patient_1_glucose_examples.jsonl", "gemini", 1, 0, 1),
    ("oasst/en_100_tree.jsonl", "oasst", 100, 0, 100),
    ("openai-messages/tinker_conversations.jsonl", "messages", 128, 0, 128),
    ("openai-messages/toy_chat_fine_tuning.jsonl", "messages", 10, 0, 10),
    ("parquet-gsm8k/gsm8k_chat_test.parquet", "messages", 1319, 0, 1319),
    ("preference-dpo/dpo_en_demo.json", "preference", 299, 0, 299),
    ("preference-kto/kto_en_demo.json", "kto", 300, 0, 300),
    ("pretrain-raw/c4_demo.jsonl", "text", 300, 0, 300),
    ("pretrain-raw/wiki_demo.txt", "text", 30, 0, 30),
    ("prompt-completion/dolly_hhrlhf_train_small.jsonl", "prompt_completion", 1000, 0, 1000),
    ("prompt-completion/mlx_wwdc25_train.jsonl", "prompt_completion", 1800, 0, 1800),
    ("qa-covid-faq/faq_covidbert.csv", "question_answer", 213, 0, 213),
    ("qa-gsm8k/gsm8k_test.jsonl", "question_answer", 1319, 0, 1319),
    ("qa-lamini/lamini_docs.jsonl", "question_answer", 1396, 1, 1395),
    ("qa-medical/medical_qa_zh_sample.jsonl", "question_answer", 32, 0, 32),
    ("sharegpt-fastchat/dummy_conversation.json", "sharegpt", 500, 0, 500),
    ("tools-glaive/glaive_toolcall_en_demo.json", "sharegpt", 300, 0, 300),
]


def read(name, **settings):
    path = SHARED / name
    source = GROUP.get(recognize(path).name)(path=str(path), **settings)
    reading = Reading(str(path))
    return list(read_examples(source, reading, Cleaning([]))), reading


@pytest.mark.parametrize(("name", "format_name", "rows", "malformed", "count"), FILES)
def test_every_row_is_read(name, format_name, rows, malformed, count):
    examples, reading = read(name)
    assert reading.format == format_name
    assert (reading.rows, reading.malformed, len(examples)) == (rows, malformed, count)
    assert reading.used == rows - malformed


def test_a_tree_has_as_many_ways_as_last_answers():
    examples, _ = read("oasst/en_100_tree.jsonl", paths=Paths.all)
    assert len({example.group for example in examples}) == 100
    assert len(examples) > 300


def test_rated_answers_are_good_and_bad():
    examples, _ = read("preference-kto/kto_en_demo.json")
    assert Counter(example.label for example in examples) == {True: 150, False: 150}


def test_every_call_of_a_tool_is_read_with_its_arguments():
    examples, _ = read("tools-glaive/glaive_toolcall_en_demo.json")
    calls = [call for e in examples for m in e.messages for call in m.get("tool_calls", [])]
    assert len(calls) == 211
    assert all(isinstance(call["function"]["arguments"], dict) for call in calls)


def test_prompts_with_a_template_are_taken_apart_and_counted():
    examples, reading = read("prompt-completion/dolly_hhrlhf_train_small.jsonl")
    assert reading.notes == ["the template ### Instruction was taken apart (1,000 rows)"]
    assert not any("###" in example.messages[0]["content"][:20] for example in examples)


@pytest.mark.parametrize(
    "name",
    ["eval-humaneval/HumanEval.jsonl.gz", "eval-mtbench/mt_bench_question.jsonl",
     "eval-squad/pred_bert_ensemble_dev-v1.1.json"],
)  # fmt: skip
def test_what_is_no_training_data_is_refused(name):
    with pytest.raises(DataError, match="fits none of"):
        recognize(SHARED / name)
