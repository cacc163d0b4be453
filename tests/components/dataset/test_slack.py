"""Slack's export of a workspace, as folder and as zip."""

import json
import shutil

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

from ftrecipe.components.dataset.slack_markup import plain
from ftrecipe.errors import DataError

HERE = FIXTURES / "slack"
DAY = HERE / "general" / "2024-05-01.json"
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def message(**values):
    return {"type": "message", "user": "U1", "text": "x", "ts": "1714550400.000100", **values}


def names(ident):
    return {"U1": "Nora"}.get(ident, ident)


def test_every_entry_of_a_workspace_is_counted_as_what_it_is():
    assert counts("slack", HERE) == {
        "rows": 13, "malformed": 0, "messages": 11, "system": 2, "media": 2, "deleted": 1,
        "edited": 1,
        "senders": {"nora": 4, "Omar Haddad": 4, "pia": 1, "buildbot": 1},
    }  # fmt: skip


def test_the_zip_says_the_same_as_the_folder(tmp_path):
    archive = shutil.make_archive(str(tmp_path / "export"), "zip", HERE)
    assert counts("slack", archive) == counts("slack", HERE)


def test_a_zip_with_a_folder_around_all_is_read_too(tmp_path):
    archive = shutil.make_archive(str(tmp_path / "export"), "zip", HERE.parent, "slack")
    assert counts("slack", archive) == counts("slack", HERE)


def test_a_thread_is_a_chat_of_its_own_over_the_days():
    thread = [e.text for e in entries("slack", HERE) if e.chat == "general/1714550460.000200"]
    assert [text[:11] for text in thread] == ["@here Who r", "I do", "Late answer"]


def test_entries_of_a_channel_are_in_the_order_of_time():
    times = [entry.time for entry in entries("slack", HERE) if entry.chat == "general"]
    assert times == sorted(times)
    assert len(times) == 8


def test_markup_is_turned_into_what_members_see():
    [head] = [text for _, text, _ in said("slack", HERE) if text.startswith("@here")]
    assert head == "@here Who reads #general, @Omar Haddad & @pia? <3 the page https://b.example"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<@U1>!", "@Nora!"),
        ("<@U7|sam>", "@sam"),
        ("<#C1>", "#general"),
        ("<!subteam^S1|@cooks>", "@cooks"),
        ("<!date^1714550400^{date}|May 1st>", "May 1st"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("&amp;lt; 1 &lt; 2", "&lt; 1 < 2"),
        ("a < b", "a < b"),
    ],
)
def test_marks_are_replaced(text, shown):
    assert plain(text, names, {"C1": "general"}) == shown


def test_what_an_app_says_in_attachments_alone_is_its_text():
    assert ("buildbot", "Build 7\npassed", "message") in said("slack", HERE)


def test_a_file_without_words_is_media_and_with_words_a_message():
    found = said("slack", HERE)
    assert ("Omar Haddad", "[file Plan]", "media") in found
    assert ("nora", "See the plan", "message") in found


def test_a_member_missing_in_the_list_is_named_by_a_message():
    assert "pia" in {entry.sender for entry in entries("slack", DAY)}


def test_a_member_who_is_nowhere_named_is_called_by_the_id(tmp_path):
    path = written(tmp_path / "2024-05-01.json", [message(text="<@U2>")])
    assert said("slack", path) == [("U1", "@U2", "message")]


def test_a_bad_message_is_named_and_the_rest_is_read(tmp_path):
    bad = [None, message(ts="now"), message(user=None), message(text={"a": 1})]
    path = written(tmp_path / "2024-05-01.json", [*bad, message()])
    assert faults("slack", path) == [
        "2024-05-01.json message 1: is nothing, not a message",
        "2024-05-01.json message 2: no time in 'ts': 'now'",
        "2024-05-01.json message 3: no sender: neither user nor username nor bot_id",
        '2024-05-01.json message 4: column "text" holds an object, not text',
    ]
    assert counts("slack", path)["messages"] == 1


def test_a_folder_without_messages_is_refused(tmp_path):
    written(tmp_path / "users.json", [])
    with pytest.raises(DataError, match="no messages; a Slack export has a folder for each"):
        entries("slack", tmp_path)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = written(tmp_path / "x.json", {"messages": []})
    with pytest.raises(DataError, match=r"x\.json is not a day of a Slack export .* messages"):
        entries("slack", path)


def test_an_export_is_known_by_its_files():
    for path in (DAY, HERE / "users.json", HERE / "channels.json"):
        assert fitting(json.loads(path.read_text(encoding="utf-8"))) == ["slack"]


@needs_shared
def test_a_real_workspace_is_counted_exactly():
    found = counts("slack", SHARED / "slack" / "slack_export.zip")
    assert found == {"rows": 5, "malformed": 0, "messages": 4, "system": 1, "media": 0,
                     "deleted": 0, "edited": 0, "senders": {"Example User": 4}}  # fmt: skip


@QUICK
@given(st.binary(max_size=200), JSON)
def test_anything_is_read_or_refused(tmp_path_factory, content, value):
    path = tmp_path_factory.getbasetemp() / "2024-05-01.json"
    survives("slack", path, content)
    odd = message(user_profile=value, bot_profile=value, files=[value], attachments=[value])
    survives("slack", path, [odd, message(user=value, thread_ts=value, subtype=value), value])


@QUICK
@given(st.data())
def test_a_changed_day_is_read_or_refused(tmp_path_factory, data):
    valid = json.loads(DAY.read_text(encoding="utf-8"))
    survives("slack", tmp_path_factory.getbasetemp() / "2024-05-02.json", mutated(data, valid))


@QUICK
@given(JSON, JSON)
def test_any_lists_beside_the_messages_are_read_or_passed_over(tmp_path_factory, users, channels):
    folder = tmp_path_factory.getbasetemp() / "workspace"
    (folder / "general").mkdir(parents=True, exist_ok=True)
    written(folder / "users.json", [users, {"id": "U1", "profile": users}])
    written(folder / "channels.json", [channels, {"id": "C1", "name": channels}])
    written(folder / "general" / "2024-05-01.json", [message(text="<#C1> <@U1>")])
    assert counts("slack", folder)["messages"] == 1
