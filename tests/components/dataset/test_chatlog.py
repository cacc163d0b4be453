"""The log of our own chat interface: ratings, edited answers, and their schema."""

import importlib.resources
import json

import pytest
from export_reading import FIXTURES, JSON, mutated
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import ftrecipe
from ftrecipe.components.dataset.chatlog import Chatlog, Ratings
from ftrecipe.data.cleaning import Cleaning
from ftrecipe.data.example import Chat, RowFault, Unwanted, Where
from ftrecipe.data.read import read_examples
from ftrecipe.data.reading import Reading
from ftrecipe.errors import DataError

LOG = FIXTURES / "chatlog" / "log.jsonl"
RECORDS = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
HERE = Where("log.jsonl", "line", 1)
QUICK = settings(max_examples=100, deadline=None, derandomize=True)


def example(record, **options):
    [found] = Chatlog(path="x", **options).examples(record, HERE)
    assert isinstance(found, Chat)
    return found


def turns(record, **options):
    messages = example(record, **options).messages
    return [(m["role"], m["content"], m.get("weight")) for m in messages]


def test_an_answer_rated_down_is_context_and_not_learned():
    assert turns(RECORDS[0]) == [
        ("system", "Be brief.", None),
        ("user", "Hi", None),
        ("assistant", "Hello", None),
        ("user", "Bye", None),
        ("assistant", "Go away", 0),
        ("user", "Again?", None),
        ("assistant", "Goodbye", None),
    ]


def test_only_answers_rated_up_are_learned_if_asked():
    assert turns(RECORDS[0], ratings=Ratings.up) == [
        ("system", "Be brief.", None),
        ("user", "Hi", None),
        ("assistant", "Hello", None),
    ]


def test_an_edited_answer_is_learned_as_it_was_edited():
    assert turns(RECORDS[1]) == [("user", "2+2?", None), ("assistant", "4", None)]


def test_messages_keep_only_what_templates_ask_for():
    assert all(set(m) <= {"role", "content", "weight"} for m in example(RECORDS[0]).messages)


def test_a_rating_of_the_whole_holds_for_answers_without_their_own():
    with pytest.raises(Unwanted, match="every answer was rated down"):
        example(RECORDS[2])
    record = {**RECORDS[0], "rating": "down"}
    assert [content for role, content, weight in turns(record) if weight is None] == [
        "Be brief.", "Hi", "Hello"
    ]  # fmt: skip


def test_a_conversation_is_one_group_with_the_time_of_its_beginning():
    found = example(RECORDS[1])
    assert found.group == "c2"
    assert found.time is not None
    assert found.time.isoformat() == "2024-05-02T10:00:00+02:00"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"messages": []}, "no answer"),
        ({"messages": "x"}, "not a list of messages"),
        ({"created": "yesterday"}, "no time in column \"created\": 'yesterday'"),
        ({"rating": "good"}, "a rating of 'good'"),
        ({"messages": [{"role": "assistant", "content": "x", "rating": 5}]}, "a rating of '5'"),
    ],
)
def test_a_bad_conversation_is_a_fault_with_its_reason(change, reason):
    with pytest.raises(RowFault) as fault:
        example({**RECORDS[0], **change})
    assert reason in str(fault.value)


def test_a_log_is_read_line_by_line_and_its_counts_add_up():
    reading = Reading(str(LOG))
    found = list(read_examples(Chatlog(path=str(LOG)), reading, Cleaning([])))
    assert [example.group for example in found] == ["c1", "c2"]
    assert (reading.rows, reading.used, reading.malformed) == (4, 2, 1)
    assert reading.left == {"unwanted": 1}
    assert reading.shown[0].startswith("log.jsonl line 4: no answer")


def test_the_fixture_is_as_the_schema_has_it():
    schema = importlib.resources.files(ftrecipe) / "schemas" / "chatlog.json"
    validator = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    assert [list(validator.iter_errors(record)) for record in RECORDS] == [[]] * 4
    assert not validator.is_valid({**RECORDS[0], "rating": "good"})


def test_a_log_is_told_from_plain_messages():
    assert Chatlog.fits(RECORDS[0])
    assert Chatlog.narrow
    assert not Chatlog.fits({"messages": RECORDS[0]["messages"]})


@QUICK
@given(st.data())
def test_a_changed_conversation_is_learned_or_a_fault(data):
    record = mutated(data, RECORDS[0])
    try:
        found = example(record)
    except RowFault:
        return
    assert found.messages[-1]["role"] == "assistant"
    assert found.messages[-1].get("weight") != 0


@QUICK
@given(st.binary(max_size=200), JSON)
def test_anything_is_read_or_refused(tmp_path_factory, content, value):
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    line = json.dumps({**RECORDS[0], "id": value, "messages": [value]}).encode()
    path.write_bytes(line + b"\n" + content)
    reading = Reading(str(path))
    found, refused = [], ""
    found, refused = [], ""
    try:
        found = list(read_examples(Chatlog(path=str(path)), reading, Cleaning([])))
    except DataError as error:
        refused = str(error)
    assert not refused or "any.jsonl" in refused
    assert refused or reading.rows == reading.used + reading.left.total() + reading.malformed
    assert len(found) == (0 if refused else reading.used)
