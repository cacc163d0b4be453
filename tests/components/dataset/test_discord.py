"""Discord's channels as DiscordChatExporter writes them."""

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

from ftrecipe.errors import DataError

HERE = FIXTURES / "discord"
GENERAL = HERE / "Makers - general [70].json"
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def message(**values):
    return {"id": "1", "type": "Default", "timestamp": "2024-05-01T10:00:00+00:00",
            "content": "x", "author": {"id": "1", "name": "A"}, **values}  # fmt: skip


def channel(*messages):
    return {"guild": {"name": "g"}, "channel": {"id": "1", "name": "c"}, "messages": [*messages]}


def test_every_entry_of_a_channel_is_counted_as_what_it_is():
    assert counts("discord", GENERAL) == {
        "rows": 10, "malformed": 0, "messages": 7, "system": 3, "media": 4, "deleted": 0,
        "edited": 1, "senders": {"Mara": 3, "Lee": 2, "helper": 2},
    }  # fmt: skip


def test_parts_of_a_channel_are_one_chat_and_a_thread_is_another():
    chats = [entry.chat for entry in entries("discord", HERE)]
    assert chats == ["Makers/general (70)"] * 12 + ["Makers/lathe (71)"]


def test_parts_are_put_in_the_order_of_time():
    times = [e.time for e in entries("discord", HERE) if e.chat == "Makers/general (70)"]
    assert times == sorted(times)


def test_another_member_of_the_same_nickname_is_told_apart():
    assert counts("discord", HERE)["senders"]["Lee (4)"] == 1


def test_mentions_by_number_become_names():
    assert entries("discord", GENERAL)[1].text == "Hello @Lee, does the lathe work?"


def test_files_stickers_and_embeds_without_words_are_media():
    placeholders = [text for _, text, kind in said("discord", GENERAL) if kind == "media"]
    assert placeholders == ["[file lathe.jpg]", "[sticker Wave]", "[embed]"]


def test_a_file_with_words_is_a_message_that_counts_as_media():
    [entry] = [entry for entry in entries("discord", GENERAL) if entry.text == "Nice one"]
    assert entry.media
    assert entry.kind.value == "message"


def test_a_bots_answer_to_a_command_is_a_message():
    assert ("helper", "Weather: sunny", "message") in said("discord", GENERAL)


def test_the_nickname_is_taken_before_the_name(tmp_path):
    author = {"id": "1", "name": "ann_1", "nickname": "Ann"}
    path = written(tmp_path / "c.json", channel(message(author=author)))
    assert entries("discord", path)[0].sender == "Ann"


def test_a_bad_message_is_named_and_the_rest_is_read(tmp_path):
    bad = [7, message(timestamp="soon"), message(author={}), message(content=["x"])]
    path = written(tmp_path / "c.json", channel(message(), *bad))
    assert faults("discord", path) == [
        "c.json message 2: is a number, not a message",
        "c.json message 3: no time in 'timestamp': 'soon'",
        "c.json message 4: no author with a name",
        'c.json message 5: column "content" holds a list, not text',
    ]
    assert counts("discord", path)["messages"] == 1


def test_a_file_that_is_no_channel_is_refused_with_its_keys(tmp_path):
    path = written(tmp_path / "c.json", {"settings": 1, "friends": 2})
    with pytest.raises(DataError, match=r"c\.json is not a channel .* keys settings, friends"):
        entries("discord", path)


def test_a_channel_is_known_by_what_it_holds():
    assert fitting(json.loads(GENERAL.read_text(encoding="utf-8"))) == ["discord"]
    assert fitting(channel()) == ["discord"]


@needs_shared
def test_a_real_channel_is_counted_exactly():
    found = counts("discord", SHARED / "discord" / "discord_export.json")
    assert found == {"rows": 7, "malformed": 0, "messages": 7, "system": 0, "media": 0,
                     "deleted": 0, "edited": 1, "senders": {"Alice": 4, "Bob": 3}}  # fmt: skip


@QUICK
@given(st.binary(max_size=200), JSON)
def test_anything_is_read_or_refused(tmp_path_factory, content, value):
    path = tmp_path_factory.getbasetemp() / "any.json"
    survives("discord", path, content)
    survives("discord", path, channel(value, message(author=value), message(attachments=[value])))


@QUICK
@given(st.data())
def test_a_changed_channel_is_read_or_refused(tmp_path_factory, data):
    valid = json.loads(GENERAL.read_text(encoding="utf-8"))
    survives("discord", tmp_path_factory.getbasetemp() / "changed.json", mutated(data, valid))
