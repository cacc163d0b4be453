"""Chats as people and programs have them: on a terminal, and through pipes."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("torch")

from following import ENVIRONMENT
from talking import tuned_run

from ftrecipe.rundir import RunDir

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunDir:
    return tuned_run(tmp_path_factory.mktemp("runs"), 3)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "ftrecipe", *map(str, words)]


def piped(text: str, *words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command("chat", *words), input=text, capture_output=True, text=True,
                          env=ENVIRONMENT, timeout=300, check=False)  # fmt: skip


def test_a_pipe_asks_a_question_a_line_and_its_log_can_be_trained_on(run, tmp_path):
    log = tmp_path / "log.jsonl"
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    lines = "Where can I park?\n\n//slash\n/reset\nAnd a dog?\n/nonsense\nNot asked.\n"
    done = piped(lines, run.path, "--compare", "base", "--log", log, "max_new_tokens=8")
    assert done.returncode == 2
    told = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in told] == ["tuned", "base"] * 3
    assert "/nonsense is no command" in done.stderr
    assert "loaded in" in done.stderr
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [len(row["messages"]) for row in rows] == [4, 2]
    assert rows[0]["messages"][2]["content"] == "/slash"
    assert rows[0]["messages"][1]["compared"][0]["model"] == "base"
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
    for row in rows:  # short answers were cut: a person says what is right
        row["messages"][1]["edited"] = "Behind the house."
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    checked = subprocess.run(
        command("check", "dataset=chatlog", f"dataset.path={log}", "eval=[]",
                "dataset.split={train: 1, validation: 0, test: 0}"),
        env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_one_question_is_answered_as_json(run):
    done = piped("", run.path, "--ask", "Where can I park?", "--json", "max_new_tokens=4")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["question"] == "Where can I park?"
    assert answer["ended"] is False
    assert answer["model"] == f"quickstart/{run.path.name} (trained)"


class Glass:
    """A chat on a terminal of its own."""

    def __init__(self, columns: int, state: Path, *words: object) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            line = command("chat", *words)
            os.execve(line[0], line, ENVIRONMENT | {"XDG_STATE_HOME": str(state), "TERM": "xterm"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.shown, self.read = "", 0

    def until(self, text: str, seconds: float = 90) -> str:
        """Return what is shown, from where the last look ended, until `text` is."""
        deadline = time.monotonic() + seconds
        while (at := self.shown.find(text, self.read)) < 0:
            assert time.monotonic() < deadline, (
                f"no {text!r} in {self.shown[self.read :][-2000:]!r}"
            )
            if select.select([self.fd], [], [], 0.1)[0]:
                self.shown += os.read(self.fd, 65536).decode("utf-8", "replace")
        began, self.read = self.read, at + len(text)
        return self.shown[began : self.read]

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def press(self, key: str, shown: str) -> None:
        """Type a key until it has had an effect.

        A signal in the moment before Python waits for keys is seen with the next one only.
        """
        for _ in range(20):
            self.type(key)
            with suppress(AssertionError):
                self.until(shown, 3)
                return
        raise AssertionError(f"no {shown!r}")

    def code(self) -> int:
        """Return the exit code; what is still shown is read, so that nobody waits."""
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:  # the other end is closed
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_person_talks_on_a_terminal(run, tmp_path):
    glass = Glass(130, tmp_path, run.path, "--compare", "base", "max_new_tokens=500")
    greeting = glass.until("\n> ")
    assert "as it was measured" in greeting
    assert "up to 500 tokens" in greeting
    glass.type("/set temperature 5\r")
    glass.until("\n> ")
    glass.type('"""\r')
    glass.until("\n. ")
    glass.type('Café?\r汉字 🙂"""\r')
    assert "tuned    " in glass.until("│ base")
    glass.until("\x1b[1A")  # both are written at once
    glass.type("\x03")
    assert "stopped" in glass.until("\n> ")
    glass.type("abc")
    glass.until("abc")
    glass.press("\x03", "Ctrl-D ends")
    glass.until("\n> ")
    glass.type("/histroy\r")
    assert "did you mean /history?" in glass.until("\n> ")
    glass.type("/hist\t\r")
    glass.until("> Café?\r\n汉字 🙂\r\n")
    glass.until("base: ")
    glass.until("\n> ")
    glass.type("hf_abcdefghijklmnopqrstuvwx\r")
    glass.until("│ base")
    glass.type("\x03")
    glass.until("\n> ")
    glass.type("\x04")
    assert glass.code() == 0
    kept = (tmp_path / "ftrecipe" / "chat_history").read_text("utf-8").splitlines()
    assert kept[0] == "/set temperature 5"
    assert kept[-1].strip() == "/history"
