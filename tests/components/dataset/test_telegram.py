"""Telegram's exports: one chat, a whole account, and pages of HTML."""

import datetime
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

from ftrecipe.components.dataset.telegram import Telegram
from ftrecipe.errors import DataError

HERE = FIXTURES / "telegram"
GROUP_CHAT = HERE / "result.json"
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def message(**values):
    return {"id": 1, "type": "message", "date": "2024-05-01T08:00:00", "from": "A", "text": "x",
            **values}  # fmt: skip


def chat(*messages):
    return {"name": "c", "type": "personal_chat", "id": 1, "messages": list(messages)}


def test_every_entry_of_a_group_is_counted_as_what_it_is():
    assert counts("telegram", GROUP_CHAT) == {
        "rows": 10, "malformed": 0, "messages": 8, "system": 2, "media": 5, "deleted": 0,
        "edited": 1,
        "senders": {"Ines Ferro": 2, "Tom": 3, "Tom (user3)": 1, "Deleted Account (user9)": 1},
    }  # fmt: skip


def test_text_in_parts_is_joined():
    assert entries("telegram", GROUP_CHAT)[1].text == "Training at seven, see the plan."


def test_a_photo_with_a_caption_is_a_message_and_without_one_a_placeholder(tmp_path):
    export = chat(message(photo="p.jpg", text="Us"), message(photo="p.jpg", text=""))
    path = written(tmp_path / "result.json", export)
    assert said("telegram", path) == [("A", "Us", "message"), ("A", "[photo]", "media")]


def test_placeholders_say_what_was_sent():
    placeholders = [text for _, text, kind in said("telegram", GROUP_CHAT) if kind == "media"]
    assert placeholders == ["[sticker 👍]", "[poll: Who comes?]", "[unsupported]", "[location]"]


def test_notices_say_what_was_done():
    notices = [(who, text) for who, text, kind in said("telegram", GROUP_CHAT) if kind == "system"]
    assert notices == [("Ines Ferro", "[create group]"), ("Tom", "[pin message]")]


def test_unix_time_is_taken_before_local_time():
    assert entries("telegram", GROUP_CHAT)[0].time == datetime.datetime(
        2024, 5, 1, 8, tzinfo=datetime.UTC
    )


def test_an_account_has_all_its_chats_also_those_left():
    found = entries("telegram", HERE / "account")
    assert [entry.text for entry in found] == [
        "Happy new year", "And to you", "Remember the keys", "Bye all"
    ]  # fmt: skip
    assert len({entry.chat for entry in found}) == 3
    assert [entry.where.number for entry in found] == [1, 2, 3, 4]


def test_pages_are_read_in_their_order_without_the_lines_of_dates():
    assert said("telegram", HERE / "pages") == [
        (None, "Ines Ferro created group «Rowing club»", "system"),
        ("Ines Ferro", "Training at seven,\nsee the plan & come", "message"),
        ("Ines Ferro", "Regatta in June", "message"),
        ("Tom", "[photo]", "media"),
        ("Tom", "The new boat", "message"),
    ]


def test_a_page_says_its_zone():
    time = entries("telegram", HERE / "pages")[1].time
    assert time is not None
    assert time.isoformat() == "2024-05-01T08:01:00+02:00"


def test_an_export_in_both_formats_is_read_once(tmp_path):
    (tmp_path / "result.json").write_bytes(GROUP_CHAT.read_bytes())
    (tmp_path / "messages.html").write_bytes((HERE / "pages" / "messages.html").read_bytes())
    assert counts("telegram", tmp_path)["rows"] == 10


def test_a_bad_message_is_named_and_the_rest_is_read(tmp_path):
    bad = [message(), "x", message(date=None), message(text=[3]), message(text="\ud83d")]
    path = written(tmp_path / "result.json", chat(*bad, message()))
    assert faults("telegram", path) == [
        "result.json message 2: is text, not a message",
        "result.json message 3: no time in 'date': 'None'",
        "result.json message 4: the text has a part that is a number",
        'result.json message 5: column "text" has a broken character (half of a surrogate pair)',
    ]
    assert counts("telegram", path)["messages"] == 2


def test_messages_with_and_without_a_zone_are_ordered(tmp_path):
    late = message(date_unixtime="1714600000", text="b")
    path = written(tmp_path / "result.json", chat(late, message(text="a")))
    assert [entry.text for entry in entries("telegram", path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"users": [], "ok": 1}, "it holds an object with the keys users, ok"),
        ([{"a": 1}], "it holds a list, first an object with the keys a"),
        ('{\n "messages": [}', "line 2 column 15: broken JSON: Expecting value"),
        ("  ", "is empty"),
        ("[" * 100_000, "nested too deeply"),
        ("[" + "9" * 5000 + "]", "a number of thousands of digits"),
    ],
)
def test_a_file_that_is_no_export_is_refused_with_the_reason(tmp_path, content, reason):
    path = written(tmp_path / "result.json", content)
    with pytest.raises(DataError) as error:
        entries("telegram", path)
    assert str(error.value).startswith("result.json")
    assert reason in str(error.value)


def test_a_page_without_a_chat_is_refused(tmp_path):
    path = written(tmp_path / "messages.html", "<html><body>Hello</body></html>")
    with pytest.raises(DataError, match="not a page of a chat"):
        entries("telegram", path)


def test_exports_are_known_by_what_they_hold():
    for path in (GROUP_CHAT, HERE / "account" / "result.json"):
        assert fitting(json.loads(path.read_text(encoding="utf-8"))) == ["telegram"]
    assert Telegram.fits_text((HERE / "pages" / "messages.html").read_text(encoding="utf-8"))
    assert not Telegram.fits_text("<html><body>Hello</body></html>")


@needs_shared
@pytest.mark.parametrize(
    ("name", "senders"),
    [
        ("chat_miner_batch_export.json", {"Author 1": 1, "Author 2": 1}),
        ("chat_miner_single_export.json", {"Author 1": 1, "Author 2": 1}),
        ("chatpack_telegram_export.json", {"Alice": 4, "Bob": 3}),
        ("langchain_result.json", {"Jimmeny Marvelton": 3, "Batman & Robin": 1}),
        ("langchain_messages.html", {"Jimmeny Marvelton": 3, "Batman & Robin": 1}),
        ("langchain_telegram_channel.json", {"-1111111": 4}),
    ],
)
def test_real_exports_are_counted_exactly(name, senders):
    found = counts("telegram", SHARED / "telegram" / name)
    assert found["senders"] == senders
    assert (found["rows"], found["malformed"], found["system"]) == (sum(senders.values()), 0, 0)


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    survives("telegram", folder / "any.json", content)
    survives("telegram", folder / "any.html", b"<div class='message' id='message1'>" + content)


@QUICK
@given(st.data())
def test_a_changed_export_is_read_or_refused(tmp_path_factory, data):
    valid = json.loads(GROUP_CHAT.read_text(encoding="utf-8"))
    survives("telegram", tmp_path_factory.getbasetemp() / "changed.json", mutated(data, valid))


@QUICK
@given(JSON, st.lists(JSON, max_size=3))
def test_any_json_is_read_or_refused(tmp_path_factory, value, messages):
    path = tmp_path_factory.getbasetemp() / "any.json"
    survives("telegram", path, value)
    survives("telegram", path, chat(message(), *messages, message(text=value, edited=value)))
    survives("telegram", path, chat(message(**{"from": value, "from_id": value, "poll": value})))
