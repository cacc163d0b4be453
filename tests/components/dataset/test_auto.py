"""Looking at a file: which format it is and why, and doing as that format does."""

import json
import zipfile

import pytest

import ftrecipe.config  # noqa: F401 - registers every format
from ftrecipe.components.dataset import GROUP
from ftrecipe.components.dataset.sniff import recognize
from ftrecipe.data.cleaning import Cleaning
from ftrecipe.data.example import OnOverlong
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading
from ftrecipe.errors import DataError

SAID = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
CHATML = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
SLACK = [{"type": "message", "user": "U1", "text": "hi", "ts": "1700000000.000100"}]


def lines(path, *rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("gemini", {"contents": [{"role": "user", "parts": [{"text": "q"}]}]}),
        ("oasst", {"prompt": {"text": "q", "role": "prompter", "replies": []}}),
        ("oasst", {"message_id": "1", "parent_id": None, "text": "q", "role": "prompter"}),
        ("chatml", {"text": CHATML}),
        ("preference", {"prompt": "q", "chosen": "a", "rejected": "b"}),
        ("preference", {"messages": SAID, "chosen": SAID, "rejected": SAID}),
        ("kto", {"prompt": "q", "completion": "a", "label": True}),
        ("kto", {"messages": SAID, "label": False}),
        ("messages", {"messages": SAID, "prompt": "q", "source": "x"}),
        ("messages", {"prompt": SAID[:1], "reward_model": {"ground_truth": "a"}}),
        ("prompt_completion", {"prompt": SAID[:1], "completion": SAID[1:]}),
        ("prompt_completion", {"input": "q", "output": "a"}),
        ("question_answer", {"system_prompt": "s", "question": "q", "response": "a"}),
        ("question_answer", {"question": "q", "input": "x", "answer": "a"}),
        ("kto", {"instruction": "q", "input": "", "output": "a", "kto_tag": True}),
        ("alpaca", {"instruction": "q", "output": "a", "text": "Below …", "prompt": "Below …"}),
        ("alpaca", {"instruction": "q", "instances": [{"input": "", "output": "a"}]}),
        ("question_answer", {"title": "t", "paragraphs": [{"context": "c", "qas": []}]}),
        ("question_answer", {"question": "q", "context": "c", "answers": {"text": ["a"]}}),
    ],
)
def test_one_format_fits(tmp_path, name, record):
    assert recognize(lines(tmp_path / "x.jsonl", record, record)).name == name


def test_the_reason_names_columns_and_rows(tmp_path):
    path = lines(tmp_path / "x.jsonl", {"question": "q", "answer": "a"}, {"question": "r"})
    lines(path, *[{"question": "q", "answer": "a"}] * 3, {"question": "r"})
    why = "columns question, answer have the shape of question_answer in 3 of 4 rows"
    assert recognize(path).why == why


def test_a_text_file_in_chatml_is_known_by_its_beginning(tmp_path):
    (tmp_path / "x.txt").write_text(CHATML)
    assert recognize(tmp_path / "x.txt").name == "chatml"


def test_a_zip_of_an_app_is_known_by_its_files(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("users.json", json.dumps([{"id": "U1", "name": "ann"}]))
        archive.writestr("general/2024-01-01.json", json.dumps(SLACK))
    assert recognize(tmp_path / "x.zip").name == "slack"


def test_a_folder_of_files_is_one_data_set(tmp_path):
    for name in ("a", "b"):
        lines(tmp_path / f"{name}.jsonl", {"messages": SAID})
    assert recognize(tmp_path).name == "messages"


def test_auto_reads_as_the_format_does_and_says_why(tmp_path):
    path = lines(tmp_path / "x.jsonl", {"text": "one"}, {"text": "two"})
    auto = GROUP.get("auto")(path=str(path), max_samples=1)
    reading = Reading(str(path))
    found = list(read_examples(auto, reading, Cleaning([])))
    assert [example.texts() for example in found] == [["one"]]
    assert (auto.produces(), auto.name(), reading.format) == ("text", "text", "text")
    assert reading.notes == ["read as text: column text has the shape of text in 2 of 2 rows"]


def test_auto_keeps_what_the_format_does_by_itself(tmp_path):
    path = str(lines(tmp_path / "x.jsonl", {"text": "one"}))
    assert GROUP.get("auto")(path=path).overlong() is OnOverlong.split
    assert GROUP.get("auto")(path=path, on_overlong=OnOverlong.drop).overlong() is OnOverlong.drop


def test_auto_tells_its_faults_without_raising(tmp_path):
    lines(tmp_path / "x.jsonl", {"a": 1})
    auto = GROUP.get("auto")
    assert auto().faults() == ["dataset.path is not set; add dataset.path=<file>"]
    assert "did you mean x.jsonl?" in auto(path=str(tmp_path / "y.jsonl")).faults()[0]
    assert "fits none of" in auto(path=str(tmp_path / "x.jsonl")).faults()[0]
    assert auto(path=str(tmp_path / "x.jsonl")).produces() == "chat"


def test_a_hub_id_does_not_say_its_format():
    with pytest.raises(DataError, match="a hub id does not say its format"):
        _ = GROUP.get("auto")(path="org/name").found


@pytest.mark.parametrize("ending", [".txt", ".csv", ".log", ""])
def test_rows_of_json_are_read_under_a_wrong_ending(tmp_path, ending):
    path = lines(tmp_path / f"x{ending}", {"messages": SAID}, {"messages": SAID})
    assert recognize(path).name == "messages"
    reading = Reading(str(path))
    found = list(read_examples(GROUP.get("messages")(path=str(path)), reading, Cleaning([])))
    assert (len(found), reading.rows, reading.malformed) == (2, 2, 0)


def test_a_text_that_begins_with_a_bracket_is_text(tmp_path):
    (tmp_path / "x.txt").write_text("[Chorus]\nla la\n\n{sic} la\n")
    assert recognize(tmp_path / "x.txt").name == "text"
