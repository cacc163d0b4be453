"""`check` from the command line: what it leaves behind, and when it refuses."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from answers import ROOT
from following import ENVIRONMENT
from jsonschema import Draft202012Validator

pytestmark = pytest.mark.slow

CHAT = """\
01.02.26, 09:00 - Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.
01.02.26, 09:01 - Alice: Kommst du heute? Meine Nummer: +49 30 901820
01.02.26, 09:02 - Bob: Ja, um acht.
Oder neun.
01.02.26, 09:03 - Alice: <Medien ausgeschlossen>
01.02.26, 09:04 - Alice: Gut!
01.02.26, 09:05 - Bob: Bis dann
03.02.26, 18:00 - Alice: War schön.
"""
ROWS = [{"question": f"What is {n}?", "answer": f"It is {n}."} for n in range(12)]


@dataclass
class Checked:
    """A finished check, and what it left in its run directory."""

    code: int
    out: str
    err: str
    data: Path

    @property
    def report(self) -> dict[str, Any]:
        return json.loads((self.data / "report.json").read_text("utf-8"))

    @property
    def quarantine(self) -> list[dict[str, Any]]:
        lines = (self.data / "quarantine.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]


def check(folder: Path, *words: str) -> Checked:
    before = set(folder.glob("runs/*/*/data"))
    done = subprocess.run(
        [sys.executable, "-m", "ftrecipe", "check", *words],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    [data] = set(folder.glob("runs/*/*/data")) - before
    return Checked(done.returncode, done.stdout, done.stderr, data)


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    folder = tmp_path_factory.mktemp("chat")
    (folder / "chat.txt").write_text(CHAT, "utf-8")
    return check(folder, "dataset=chat.txt", "dataset.assistant=Bob",
                 "cleaning=[boilerplate,phones]")  # fmt: skip


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    folder = tmp_path_factory.mktemp("broken")
    lines = [json.dumps(row) for row in ROWS]
    lines[4] = '{"question": "What is 4?", "answer"'
    (folder / "faq.jsonl").write_text("\n".join(lines), "utf-8")
    return check(folder, "dataset=question_answer", "dataset.path=faq.jsonl")


def test_a_chat_can_be_trained_on(chat: Checked) -> None:
    assert chat.code == 0, chat.err
    [source] = chat.report["sources"]
    assert source["format"] == "whatsapp"
    counted = {key: source[key] for key in ("messages", "senders", "system_entries", "media")}
    assert counted == {"messages": 6, "senders": 2, "system_entries": 1, "media": 1}
    assert source["first_message"] == "2026-02-01T09:01:00"


def test_what_was_left_out_of_a_chat_is_in_quarantine(chat: Checked) -> None:
    rules = sorted((line["line"], line["rule"]) for line in chat.quarantine)
    assert rules == [(1, "boilerplate"), (5, "boilerplate"), (8, "unanswered")]


def test_rows_of_a_chat_add_up(chat: Checked) -> None:
    [source] = chat.report["sources"]
    dropped = sum(chat.report["dropped"].values())
    assert source["rows_read"] == 7 == source["rows_used"] + dropped


def test_what_was_masked_is_nowhere_in_clear(chat: Checked) -> None:
    assert chat.report["changed"]["phones"] == 1
    for file in chat.data.iterdir():
        assert "901820" not in file.read_text("utf-8"), file.name


def test_without_a_model_the_tokenizer_is_said_to_be_assumed(chat: Checked) -> None:
    assert chat.report["tokenizer"] == {"name": "builtin:tiny", "assumed": True}
    assert "assumed" in chat.out


@pytest.mark.parametrize("which", ["chat", "broken"])
def test_the_report_is_as_its_schema_says(which: str, request: pytest.FixtureRequest) -> None:
    schema = json.loads((ROOT / "ftrecipe/schemas/data_report.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(request.getfixturevalue(which).report)


def test_a_broken_line_is_refused_by_name_once_all_is_counted(broken: Checked) -> None:
    assert broken.code == 2
    assert "faq.jsonl line 5: broken JSON" in broken.err
    [source] = broken.report["sources"]
    assert (source["rows_read"], source["rows_malformed"]) == (12, 1)
    assert source["first_malformed"]["line"] == 5
    assert sum(broken.report["examples"].values()) == 11
    assert [line["line"] for line in broken.quarantine] == [5]


def test_the_page_of_refused_data_says_so(broken: Checked) -> None:
    page = (broken.data / "report.html").read_text("utf-8")
    assert "Cannot be trained on" in page
    assert not (broken.data / "prepared.json").exists()


def test_rows_too_long_for_a_tokenizer_nobody_chose_are_a_finding(tmp_path: Path) -> None:
    rows = [*ROWS, {"question": "Long?", "answer": "very " * 2000}]
    (tmp_path / "faq.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    found = check(tmp_path, "dataset=faq.jsonl")
    assert found.code == 0, found.err
    assert found.report["overlong"]["found"] == 1
    assert found.report["overlong"]["longest"][0]["where"] == "faq.jsonl line 13"
    asked = check(tmp_path, "dataset=faq.jsonl", "model=tiny")
    assert asked.code == 2
    assert "faq.jsonl line 13" in asked.err
