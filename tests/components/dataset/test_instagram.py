"""Instagram's threads of direct messages."""

import json

import pytest
from export_reading import (
    FIXTURES,
    JSON,
    SHARED,
    counts,
    entries,
    fitting,
    mutated,
    needs_shared,
    said,
    survives,
    written,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ftrecipe.errors import DataError

THREAD = FIXTURES / "instagram" / "inbox" / "ida_17" / "message_1.json"
REAL = SHARED / "messenger-instagram-signal"
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def test_every_entry_of_a_thread_is_counted_as_what_it_is():
    assert counts("instagram", THREAD.parents[2]) == {
        "rows": 7, "malformed": 0, "messages": 5, "system": 2, "media": 3, "deleted": 0,
        "edited": 0, "senders": {"Jón": 3, "Ida 🌿": 2},
    }  # fmt: skip


def test_entries_are_repaired_and_oldest_first():
    assert said("instagram", THREAD) == [
        ("Jón", "Hæ!", "message"),
        ("Ida 🌿", "Sjáumst á morgun", "message"),
        ("Jón", "[no text]", "media"),
        ("Jón", "[video]", "media"),
        ("Ida 🌿", "[attachment]", "media"),
        ("Ida 🌿", "Reacted 😂 to your message", "system"),
        ("Jón", "Liked a message", "system"),
    ]


def test_a_member_who_left_has_a_name(tmp_path):
    thread = {"messages": [{"sender_name": "", "timestamp_ms": 1, "content": "x"}]}
    path = written(tmp_path / "message_1.json", thread)
    assert said("instagram", path) == [("Instagram User", "x", "message")]


def test_a_list_is_refused(tmp_path):
    path = written(tmp_path / "message_1.json", [1, 2])
    with pytest.raises(DataError, match=r"not a thread of Instagram .* a list, first a number"):
        entries("instagram", path)


def test_a_thread_is_known_by_what_only_instagram_writes():
    assert fitting(json.loads(THREAD.read_text(encoding="utf-8"))) == ["instagram"]


@needs_shared
@pytest.mark.parametrize(
    ("name", "senders"),
    [
        ("chat_miner_instagram.json", {"John Doe": 1, "Jane Doe": 1}),
        ("chatpack_instagram.json", {"alice_user": 4, "bob_user": 3}),
    ],
)
def test_real_threads_are_counted_exactly(name, senders):
    found = counts("instagram", REAL / name)
    assert found["senders"] == senders
    assert (found["rows"], found["malformed"], found["system"]) == (sum(senders.values()), 0, 0)
    assert fitting(json.loads((REAL / name).read_text(encoding="utf-8"))) == ["instagram"]


@QUICK
@given(st.binary(max_size=200), JSON)
def test_anything_is_read_or_refused(tmp_path_factory, content, value):
    path = tmp_path_factory.getbasetemp() / "message_1.json"
    survives("instagram", path, content)
    survives("instagram", path, {"participants": value, "title": "", "messages": [value]})


@QUICK
@given(st.data())
def test_a_changed_thread_is_read_or_refused(tmp_path_factory, data):
    valid = json.loads(THREAD.read_text(encoding="utf-8"))
    path = tmp_path_factory.getbasetemp() / "message_1.json"
    survives("instagram", path, mutated(data, valid))
