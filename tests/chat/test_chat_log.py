"""Conversations are kept as rows that dataset=chatlog reads, whole at every moment."""

import json
import threading
from pathlib import Path

import jsonschema
import pytest

import ftrecipe
from ftrecipe.components.dataset.chatlog import Chatlog
from ftrecipe.data.example import Where
from ftrecipe.errors import ConfigError
from ftrecipe.talk.chatlog import ChatFile
from ftrecipe.talk.conversation import Answer, Conversation, Turn

SCHEMA = json.loads((Path(ftrecipe.__file__).parent / "schemas/chatlog.json").read_text())


def talk(*turns: tuple[str, str], system: str = "") -> Conversation:
    return Conversation(system, [Turn(asked, {"tuned": Answer(said)}) for asked, said in turns])


def learned(row: dict) -> list[tuple[str, str]]:
    """Return what dataset=chatlog learns of a row: pairs of role and text, without weight 0."""
    (example,) = Chatlog().examples(row, Where("log", "line", 1))
    return [(m["role"], m["content"]) for m in example.messages if m.get("weight") != 0]


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_row_is_what_the_schema_and_the_format_say():
    said = talk(("Hi?", "Hello."), system="Be kind.")
    row = said.row("run (adapter)")
    jsonschema.validate(row, SCHEMA)
    assert learned(row) == [("system", "Be kind."), ("user", "Hi?"), ("assistant", "Hello.")]


def test_what_others_answered_stands_by_and_is_not_learned():
    turn = Turn("Hi?", {"tuned": Answer("Hello."), "base": Answer("What?")})
    row = Conversation(turns=[turn]).row("run")
    jsonschema.validate(row, SCHEMA)
    assert row["messages"][1]["compared"][0]["model"] == "base"
    assert learned(row) == [("user", "Hi?"), ("assistant", "Hello.")]
    (example,) = Chatlog().examples(row, Where("log", "line", 1))
    assert all("compared" not in message for message in example.messages)


def test_an_answer_that_was_broken_off_is_context_alone():
    said = talk(("a", "b"), ("c", "d"), ("e", "f"))
    said.turns[1].answers["tuned"].ended = False
    assert ("assistant", "d") not in learned(said.row("run"))
    assert ("assistant", "f") in learned(said.row("run"))
    said.turns[1].answers["tuned"].rating = "up"
    assert ("assistant", "d") in learned(said.row("run"))


def test_a_turn_without_a_word_of_the_model_is_left_out():
    row = talk(("a", ""), ("c", "d")).row("run")
    assert learned(row) == [("user", "c"), ("assistant", "d")]


def test_a_better_answer_is_what_is_learned_and_gone_on_from():
    said = talk(("a", "wrong"))
    said.turns[0].answers["tuned"].edited = "right"
    assert learned(said.row("run")) == [("user", "a"), ("assistant", "right")]
    assert said.messages("tuned", "next")[1]["content"] == "right"


def test_a_conversation_is_one_line_that_grows(tmp_path):
    file, said = ChatFile(tmp_path / "log.jsonl"), talk(("a", "b"))
    file.put(said.row("run"))
    other = talk(("x", "y"))
    file.put(other.row("run"))
    said.turns += talk(("c", "d")).turns
    file.put(said.row("run"))
    assert [len(row["messages"]) for row in rows(file.path)] == [4, 2]
    file.remove(said.id)
    assert [row["id"] for row in rows(file.path)] == [other.id]


def test_what_was_there_before_stays_to_the_letter(tmp_path):
    path = tmp_path / "log.jsonl"
    asked = '"messages": [{"role": "user", "content": "é"}]'
    before = f'{{"id": "1",  "created": "2026-01-01T00:00:00Z", {asked}}}'
    path.write_text(before, "utf-8")  # without an end of line
    file = ChatFile(path)
    file.check()
    file.put(talk(("a", "b")).row("run"))
    assert path.read_text("utf-8").startswith(before + "\n")
    assert len(rows(path)) == 2


def test_chats_that_write_at_once_lose_nothing(tmp_path):
    def write() -> None:
        file, said = ChatFile(tmp_path / "log.jsonl"), Conversation()
        for at in range(5):
            said.turns.append(Turn(str(at), {"tuned": Answer("b")}))
            file.put(said.row("run"))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [len(row["messages"]) for row in rows(tmp_path / "log.jsonl")] == [10] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_text_that_is_no_unicode_breaks_no_log(tmp_path):
    file = ChatFile(tmp_path / "log.jsonl")
    file.put(talk(("caf\udce9?", "line\nbreak\u2028")).row("run"))
    (row,) = rows_of_lines(file.path)
    assert row["messages"][0]["content"] == "caf??"
    assert row["messages"][1]["content"] == "line\nbreak\u2028"


def rows_of_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


@pytest.mark.parametrize("text", ["hello\n", "[1]\n", '{"messages": []}\n', '{"id": 1\n'])
def test_a_file_of_another_kind_is_refused(tmp_path, text):
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(ConfigError, match="line 1 is no row of a chat log"):
        ChatFile(tmp_path / "log.jsonl").check()


def test_places_that_cannot_be_written_are_told(tmp_path):
    for name, why in {
        "a/log.jsonl": "there is no folder",
        ".": "is no file",
        "x.jsonl.gz": "as it is",
    }.items():
        with pytest.raises(ConfigError, match=why):
            ChatFile(tmp_path / name).check()


def test_a_link_to_a_log_stays_a_link(tmp_path):
    (tmp_path / "real.jsonl").touch()
    (tmp_path / "log.jsonl").symlink_to(tmp_path / "real.jsonl")
    ChatFile(tmp_path / "log.jsonl").put(talk(("a", "b")).row("run"))
    assert (tmp_path / "log.jsonl").is_symlink()
    assert len(rows(tmp_path / "real.jsonl")) == 1
