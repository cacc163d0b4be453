"""Other machines wait for the first one's preparation, and are not misled by an earlier end."""

import threading
import time
from pathlib import Path

import pytest

from ftrecipe.rundir import RunDir, write_json
from ftrecipe.stages import wait as waiting
from ftrecipe.stages.wait import wait


@pytest.fixture
def rundir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    monkeypatch.setattr(waiting, "LOOK", 0.01)
    made = RunDir(tmp_path)
    write_json(made.run, {"stages": ["prepare", "baseline", "train", "report"]})
    return made


def say(rundir: RunDir, state: str, *done: str, ended: str | None = None) -> None:
    write_json(
        rundir.status,
        {"stage": "prepare", "state": state, "started": "a", "ended": ended, "error": "full disk",
         "done": list(done)},
    )  # fmt: skip


def test_waiting_ends_when_all_before_training_is_done(rundir: RunDir) -> None:
    say(rundir, "running", "prepare", "baseline")
    assert wait(rundir) == 0


def test_waiting_ends_with_a_word_when_the_run_fails(
    rundir: RunDir, capsys: pytest.CaptureFixture[str]
) -> None:
    say(rundir, "running", "prepare")
    threading.Timer(0.1, say, [rundir, "failed", "prepare"]).start()
    assert wait(rundir) == 1
    assert "the run failed in prepare: full disk" in capsys.readouterr().out


def test_a_run_that_had_failed_before_may_be_resumed_meanwhile(rundir: RunDir) -> None:
    say(rundir, "failed", "prepare", ended="earlier")

    def resume() -> None:
        say(rundir, "running", "prepare")
        time.sleep(0.1)
        say(rundir, "running", "prepare", "baseline")

    threading.Timer(0.1, resume).start()
    assert wait(rundir) == 0


def test_a_run_that_nobody_resumes_is_not_waited_for_forever(
    rundir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.1)
    say(rundir, "failed")
    assert wait(rundir) == 1
