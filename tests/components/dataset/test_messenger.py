"""Messenger's threads: of a Facebook download, and of the download of encrypted chats."""

import json

import pytest
from export_reading import (
    FIXTURES,
    JSON,
    SHARED,
    counts,
    entries,
    faults,
    fitting,
    mutated,
    needs_shared,
    said,
    survives,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ftrecipe.components.dataset.thread_export import repaired
from ftrecipe.components.dataset.thread_notices import is_notice, is_placeholder
from ftrecipe.errors import DataError

HERE = FIXTURES / "messenger"
INBOX = HERE / "inbox"
NEWEST = INBOX / "garden_1" / "message_1.json"
ENCRYPTED = HERE / "encrypted_3.json"
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def message(**values):
    return {"sender_name": "A", "timestamp_ms": 1714550400000, "content": "x", **values}


def thread(*messages):
    return {"participants": [], "title": "t", "thread_type": "Regular", "messages": [*messages]}


def test_every_entry_of_all_threads_is_counted_as_what_it_is():
    assert counts("messenger", INBOX) == {
        "rows": 13, "malformed": 0, "messages": 10, "system": 3, "media": 4, "deleted": 1,
        "edited": 0, "senders": {"Ravi": 6, "Zoë Brandt": 3, "Facebook User": 1},
    }  # fmt: skip


def test_the_parts_of_a_thread_are_one_chat_oldest_message_first():
    assert said("messenger", INBOX / "garden_1") == [
        ("Ravi", "Ravi named the group Garden.", "system"),
        ("Ravi", "Shall we meet?", "message"),
        ("Zoë Brandt", "Später, im Café?", "message"),
        ("Zoë Brandt", "[audio]", "media"),
        ("Ravi", "[sticker]", "media"),
        ("Ravi", "My roses 🌹", "message"),
        ("Zoë Brandt", "[deleted]", "deleted"),
        ("Ravi", "Look at this https://x.example", "message"),
        ("Ravi", "[attachment]", "media"),
        ("Zoë Brandt", "Reacted 👍 to your message", "system"),
        ("Ravi", "Ravi called you.", "system"),
    ]


def test_entries_keep_their_numbers_in_the_file():
    assert [entry.where.number for entry in entries("messenger", NEWEST)] == [6, 5, 4, 3, 2, 1]


def test_times_are_milliseconds_and_in_utc():
    time = entries("messenger", NEWEST)[0].time
    assert time is not None
    assert time.isoformat() == "2024-05-01T08:00:05+00:00"


def test_encrypted_chats_are_read():
    assert said("messenger", ENCRYPTED) == [
        ("Zoë Brandt", "Ça va ?", "message"),
        ("Zoë Brandt", "[media]", "media"),
        ("Ravi", "[deleted]", "deleted"),
        ("Ravi", "Très bien", "message"),
    ]


@pytest.mark.parametrize(
    ("written_as", "meant"),
    [
        ("SpÃ¤ter", "Später"),
        ("ð\x9f\x91\x8d", "👍"),
        ("Später", "Später"),
        ("naïve ☕", "naïve ☕"),
        ("plain", "plain"),
    ],
)
def test_only_what_was_written_byte_by_byte_is_repaired(written_as, meant):
    assert repaired(written_as) == meant


@pytest.mark.parametrize(
    "text",
    ["Reacted ❤ to your message", "Liked a message", "Zoë reacted 😂 to your message",
     "You missed a video chat with Ravi.", "The video chat ended.", "Ravi left the group.",
     "Ravi set the nickname for Zoë to Zo.", "Hat mit 😂 auf deine Nachricht reagiert"],
)  # fmt: skip
def test_notices_are_known_by_their_words(text):
    assert is_notice(text)


@pytest.mark.parametrize(
    "text",
    ["I liked a message of yours", "We left the group chat early", "He reacted badly to it",
     "x" * 10_000],
)  # fmt: skip
def test_what_only_resembles_a_notice_is_none(text):
    assert not is_notice(text)
    assert not is_placeholder(text)


def test_a_bad_message_is_named_and_the_rest_is_read(tmp_path):
    bad = [[], message(timestamp_ms="x"), message(sender_name=None), message(content=3.5)]
    path = written(tmp_path / "message_1.json", thread(*bad, message(content={}), message()))
    assert sorted(faults("messenger", path)) == [
        "message_1.json message 1: is a list, not a message",
        "message_1.json message 2: no time in 'timestamp_ms': 'x'",
        "message_1.json message 3: no sender_name",
        'message_1.json message 5: column "content" holds an object, not text',
    ]
    assert counts("messenger", path)["messages"] == 2


def test_a_file_that_is_no_thread_is_refused_with_its_keys(tmp_path):
    path = written(tmp_path / "x.json", {"autofill": 1})
    with pytest.raises(DataError, match=r"x\.json is not a thread of Messenger .* keys autofill"):
        entries("messenger", path)


def test_other_files_of_a_download_are_passed_over(tmp_path):
    written(tmp_path / "autofill.json", {"autofill": 1})
    written(tmp_path / "message_1.json", thread(message()))
    assert counts("messenger", tmp_path)["rows"] == 1


def test_threads_are_known_by_what_they_hold():
    for path in (NEWEST, INBOX / "loop_2" / "message_1.json", ENCRYPTED):
        assert fitting(json.loads(path.read_text(encoding="utf-8"))) == ["messenger"]


@needs_shared
def test_a_real_thread_is_counted_exactly():
    path = SHARED / "messenger-instagram-signal" / "facebook_chat.json"
    assert counts("messenger", path) == {
        "rows": 11, "malformed": 0, "messages": 11, "system": 0, "media": 1, "deleted": 0,
        "edited": 0, "senders": {"User 2": 6, "User 1": 5},
    }  # fmt: skip
    assert fitting(json.loads(path.read_text(encoding="utf-8"))) == ["messenger"]


@QUICK
@given(st.binary(max_size=200), JSON)
def test_anything_is_read_or_refused(tmp_path_factory, content, value):
    path = tmp_path_factory.getbasetemp() / "message_1.json"
    survives("messenger", path, content)
    odd = message(share=value, photos=value, content=None)
    survives("messenger", path, thread(message(), value, odd, message(sender_name=value)))
    survives("messenger", path, {**thread(message(timestamp_ms=value)), "title": value})


@QUICK
@given(st.data())
def test_a_changed_thread_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "message_2.json"
    for valid in (NEWEST, ENCRYPTED):
        value = json.loads(valid.read_text(encoding="utf-8"))
        survives("messenger", path, mutated(data, value))
