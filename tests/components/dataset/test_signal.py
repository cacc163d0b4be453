"""Signal's exports as text and as JSON."""

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

from ftrecipe.components.dataset.signal import Signal
from ftrecipe.errors import DataError

HERE = FIXTURES / "signal"
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_entry_of_a_text_is_counted_as_what_it_is():
    assert counts("signal", HERE / "chat.txt") == {
        "rows": 5, "malformed": 0, "messages": 4, "system": 1, "media": 1, "deleted": 0,
        "edited": 0, "senders": {"Ola Berg": 3, "Me": 1},
    }  # fmt: skip


def test_messages_of_several_lines_are_kept_whole():
    assert ("Me", "No:\nit hangs inside,\n[left] of the door", "message") in said(
        "signal", HERE / "chat.txt"
    )


def test_entries_know_their_first_line():
    places = [str(entry.where) for entry in entries("signal", HERE / "chat.txt")]
    assert places[:3] == ["chat.txt line 1", "chat.txt line 2", "chat.txt line 5"]


def test_quotes_reactions_and_attachments_are_no_part_of_the_text():
    assert said("signal", HERE / "chat.md") == [
        ("Ola Berg", "Is the key under the mat?", "message"),
        ("Me", "No, inside", "message"),
        ("Ola Berg", "[no text]", "media"),
        ("Ola Berg", "The mat", "message"),
    ]
    assert counts("signal", HERE / "chat.md")["media"] == 2


def test_lines_of_signal_export_are_read():
    assert said("signal", HERE / "data.json") == [
        ("Ola Berg", "Is it there?", "message"),
        ("Me", "[media]", "media"),
    ]


def test_what_signal_cli_received_is_read():
    assert said("signal", HERE / "signal_cli.jsonl") == [
        ("Ola Berg", "Hej!", "message"),
        ("Ola Berg", "[notice]", "system"),
        ("Ola Berg", "[media]", "media"),
        ("Ola Berg", "[notice]", "system"),
        ("Ola Berg", "[deleted]", "deleted"),
        ("Ola Berg", "Hej hej!", "message"),
        ("Me", "Hallå", "message"),
    ]
    assert {entry.chat for entry in entries("signal", HERE / "signal_cli.jsonl")} == {"+4670000001"}


def test_a_plain_backup_names_its_members():
    assert said("signal", HERE / "main.jsonl") == [
        ("Ola Berg", "Hej!", "message"),
        ("You", "Hallå", "message"),
        ("Ola Berg", "[deleted]", "deleted"),
        ("Ola Berg", "[media]", "media"),
        ("Ola Berg", "[notice]", "system"),
    ]
    assert counts("signal", HERE / "main.jsonl")["edited"] == 1


def test_rows_of_the_desktop_app_are_read(tmp_path):
    expected = [
        ("+4670000001", "Hej!", "message"),
        ("You", "Hallå", "message"),
        ("+4670000001", "[call-history]", "system"),
        ("+4670000001", "[media]", "media"),
        ("+4670000001", "[deleted]", "deleted"),
    ]
    found = said("signal", HERE / "desktop.jsonl")
    assert [row for row in found if row[2] != "system"] == [
        row for row in expected if row[2] != "system"
    ]
    path = written(tmp_path / "desktop.json", lines(HERE / "desktop.jsonl"))
    assert said("signal", path) == found


def test_a_list_whose_messages_quote_a_text_export_is_json(tmp_path):
    message = {**lines(HERE / "data.json")[0], "body": "[2024-05-01, 10:00] Ola: Hej"}
    path = written(tmp_path / "data.json", [message])
    assert said("signal", path) == [("Ola Berg", message["body"], "message")]


def test_a_bad_line_is_named_and_the_rest_is_read(tmp_path):
    good = json.dumps(lines(HERE / "data.json")[0])
    path = written(tmp_path / "data.jsonl", f'{good}\n{{"a": \n[1]\n{{"b": 1}}\n\n{good}\n')
    assert faults("signal", path) == [
        "data.jsonl line 2: broken JSON: Expecting value (column 7)",
        "data.jsonl line 3: is a list, not a message",
        "data.jsonl line 4: is no message of Signal",
    ]
    assert counts("signal", path)["messages"] == 2


def test_text_before_the_first_message_and_bad_dates_are_faults(tmp_path):
    text = "Chat with Ola\n[2024-05-01, 10:00] Ola: a\n[2024-13-01, 10:00] Ola: b\nc\n"
    path = written(tmp_path / "chat.txt", text)
    assert faults("signal", path) == [
        "chat.txt line 1: text before the first message",
        "chat.txt line 3: no time in 'the date': '2024-13-01T10:00'",
    ]


@pytest.mark.parametrize("content", ["Hello\nyou", '{"a": 1}', "[]", "5", '{"a": 1}\n{"b": 2}'])
def test_a_file_that_is_no_export_is_refused(tmp_path, content):
    path = written(tmp_path / "x.txt", content)
    with pytest.raises(DataError, match=r"^x\.txt"):
        entries("signal", path)


def test_exports_are_known_by_what_they_hold():
    for name in ("data.json", "signal_cli.jsonl", "main.jsonl", "desktop.jsonl"):
        found = lines(HERE / name)
        assert fitting(found) == ["signal"]
        assert fitting(found[0]) == ["signal"]
    assert Signal.fits_text((HERE / "chat.txt").read_text(encoding="utf-8"))
    assert Signal.fits_text((HERE / "chat.md").read_text(encoding="utf-8"))
    assert not Signal.fits_text("[2019-12-24, 12:23:00] Jane: Hello")
    assert not Signal.fits_text("[24.12.19, 12:23:00] Jane: Hello")


@needs_shared
def test_a_real_text_is_counted_exactly():
    path = SHARED / "messenger-instagram-signal" / "chat_miner_signal.txt"
    assert counts("signal", path) == {
        "rows": 2, "malformed": 0, "messages": 2, "system": 0, "media": 0, "deleted": 0,
        "edited": 0, "senders": {"Jane Doe": 1, "John Doe": 1},
    }  # fmt: skip


@QUICK
@given(st.binary(max_size=200), st.text(max_size=200), JSON)
def test_anything_is_read_or_refused(tmp_path_factory, content, text, value):
    folder = tmp_path_factory.getbasetemp()
    survives("signal", folder / "any.txt", content)
    survives("signal", folder / "any.json", value)
    head = b"[2024-05-01, 10:00] "
    survives("signal", folder / "any.txt", head + b"A: x\n" + head + content + b"\n" + head)
    survives("signal", folder / "any.txt", head + text.encode("utf-8", "replace"))


@QUICK
@given(st.data(), st.sampled_from(["signal_cli.jsonl", "main.jsonl", "desktop.jsonl", "data.json"]))
def test_a_changed_export_is_read_or_refused(tmp_path_factory, data, name):
    changed = mutated(data, lines(HERE / name))
    survives("signal", tmp_path_factory.getbasetemp() / "changed.json", changed)
