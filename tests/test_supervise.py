"""Running a command to its end: with real processes, and what happens to them."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ftrecipe.ranks import Ranks, is_alive
from ftrecipe.rundir import RunDir, hold
from ftrecipe.supervise import Supervisor


def script(text: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(text)]


@pytest.fixture
def rundir(tmp_path: Path) -> RunDir:
    return RunDir(tmp_path)


def test_the_code_is_the_commands_own(rundir: RunDir) -> None:
    with hold(rundir) as lock:
        assert Supervisor(lock).run(script("raise SystemExit(3)")) == 3


def test_a_command_ended_by_a_signal_has_the_code_that_a_shell_gives(rundir: RunDir) -> None:
    with hold(rundir) as lock:
        assert Supervisor(lock).run(script("import os; os.kill(os.getpid(), 9)")) == 137


def test_the_environment_goes_to_the_child_and_defaults_give_way(
    rundir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    wanted = "import os; e = os.environ; raise SystemExit(int(e['A'] + e['OMP_NUM_THREADS']))"
    with hold(rundir) as lock:
        supervisor = Supervisor(lock, {"A": "1"})
        assert supervisor.run(script(wanted), {"OMP_NUM_THREADS": "2", "A": "7"}) == 15


def test_a_watcher_that_says_so_stops_the_child(rundir: RunDir) -> None:
    looks: list[float] = []

    def watch() -> bool:
        looks.append(time.monotonic())
        return len(looks) == 2

    with hold(rundir) as lock:
        code = Supervisor(lock, watch=watch).run(script("import time; time.sleep(60)"))
    assert code == 128 + signal.SIGTERM
    assert len(looks) == 2


def test_a_rank_that_is_lost_ends_a_command_that_would_wait_for_it(
    rundir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ftrecipe.supervise.GRACE", 0.5)
    agent = f"""
        import json, os, socket, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        os.makedirs({str(rundir.logs)!r})
        record = dict(rank=1, pid=child.pid, state="running", error=None, at=time.time(),
                      host=socket.gethostname())
        open({str(rundir.rank_record(1))!r}, "w").write(json.dumps(record))
        time.sleep(60)
    """
    ranks = Ranks(rundir)
    began = time.monotonic()
    with hold(rundir) as lock:
        assert Supervisor(lock).run(script(agent), ranks=ranks) == 137
    assert time.monotonic() - began < 20
    first = ranks.first_failure()
    assert first is not None
    assert first[0] == 1


def test_children_die_with_a_launcher_that_is_killed(rundir: RunDir) -> None:
    pid_file = rundir.path / "pid"
    child = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    launcher = f"""
        import sys
        from pathlib import Path
        from ftrecipe.rundir import RunDir, hold
        from ftrecipe.supervise import Supervisor
        with hold(RunDir(Path({str(rundir.path)!r}))) as lock:
            Supervisor(lock).run([sys.executable, "-c", {child!r}])
    """
    running = subprocess.Popen(script(launcher))
    deadline = time.monotonic() + 30
    while not (pid_file.is_file() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int(pid_file.read_text())
    assert is_alive(pid)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)


def test_a_signal_between_two_commands_is_remembered(rundir: RunDir) -> None:
    with hold(rundir) as lock:
        supervisor = Supervisor(lock)
        with supervisor.forwarding():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
    assert supervisor.stopped
