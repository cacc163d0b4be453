"""Real files of each format, where the shared folder is there: read whole, with exact counts."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import ftrecipe.components.dataset as package
from ftrecipe.components.dataset import GROUP, OnFaulty, sniff
from ftrecipe.data.read import Reading, read_examples

for module in pkgutil.iter_modules(package.__path__):
    importlib.import_module(f"{package.__name__}.{module.name}")

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")


@pytest.mark.parametrize(
    ("name", "format_name", "rows", "faulty"),
    [
        ("alpaca-gpteacher/codegen-instruct.json", "alpaca", 4533, 0),
        ("openai-messages/tinker_conversations.jsonl", "messages", 128, 0),
        ("prompt-completion/dolly_hhrlhf_train_small.jsonl", "prompt_completion", 1000, 0),
        ("qa-covid-faq/faq_covidbert.csv", "question_answer", 213, 0),
        ("qa-gsm8k/gsm8k_test.jsonl", "question_answer", 1319, 0),
        ("qa-lamini/lamini_docs.jsonl", "question_answer", 1396, 1),
        ("sharegpt-fastchat/dummy_conversation.json", "sharegpt", 500, 0),
        ("tools-glaive/glaive_toolcall_en_demo.json", "sharegpt", 300, 0),
        ("pretrain-raw/c4_demo.jsonl", "text", 300, 0),
        ("pretrain-raw/wiki_demo.txt", "text", 30, 0),
    ],
)
def test_every_row_is_read(name, format_name, rows, faulty):
    path = SHARED / name
    assert sniff(path) == format_name
    source = GROUP.get(format_name)(path=str(path), on_faulty=OnFaulty.drop)
    reading = Reading(str(path))
    examples = list(read_examples(source, reading))
    assert (reading.rows, reading.faulty, len(examples)) == (rows, faulty, rows - faulty)
