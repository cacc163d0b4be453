"""A server as a person starts it, and runs that look as if they had been trained."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from answers import ROOT

from ftrecipe import launch, plan
from ftrecipe.compose import compose
from ftrecipe.rundir import RunDir, read_json, write_json

SECONDS = 120
FILES = {
    "adapter": "adapter_config.json",
    "merged": "config.json",
    "gguf": "quickstart-f16.gguf",
}


class Process:
    """`python -m ftrecipe serve …`, and what it says."""

    def __init__(self, folder: Path, *words: str, **variables: str) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "ftrecipe", "serve", *words, "--port", "0"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._said: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._said.put(line.rstrip("\n"))
        self._said.put(None)

    def until(self, beginning: str) -> str:
        """Return the first line that begins so."""
        while (line := self._said.get(timeout=SECONDS)) is not None:
            self.lines.append(line)
            if line.startswith(beginning):
                return line
        raise AssertionError(f"no line begins with {beginning!r}: {self.lines}")

    def until_end(self) -> bool:
        """Return once no process that it started can say anything any more."""
        while self._said.get(timeout=SECONDS) is not None:
            pass
        return True

    @property
    def address(self) -> str:
        """Where it answers, once it does."""
        return self.until("ready").split()[1].removesuffix("/v1")

    def stop(self, number: int = signal.SIGINT) -> tuple[int, float]:
        """Send a signal; return the exit code, and the seconds that it took."""
        began = time.monotonic()
        if self.child.poll() is None:
            self.child.send_signal(number)
        return self.child.wait(SECONDS), time.monotonic() - began


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Process]]:
    """Start servers; those that are left are stopped."""
    running: list[Process] = []

    def begin(folder: Path, *words: str, **variables: str) -> Process:
        running.append(Process(folder, *words, **variables))
        return running[-1]

    yield begin
    for process in running:
        process.stop()


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is planned and no more."""
    folder = tmp_path_factory.mktemp("planned")
    words = ["recipe=quickstart", "hardware=cpu", "export=[adapter,merged,gguf]"]
    return launch.create(plan.make(compose([*words, f"runs_dir={folder}"]), counts=False)).path


@pytest.fixture
def pretend(here: Path, planned: Path) -> Callable[..., RunDir]:
    """Make a run with exports that are no more than the files that tell them, and their gates."""

    def make(name: str, sha256: str = "0" * 64, **verdicts: str) -> RunDir:
        rundir = RunDir(here / "runs" / "quickstart" / name)
        rundir.path.mkdir(parents=True)
        boundary = read_json(planned / "run.json") | {"working_dir": str(here)}
        write_json(rundir.run, boundary)
        write_json(rundir.base, {"path": "builtin:tiny", "revision": None, "sha256": sha256})
        for target, verdict in verdicts.items():
            folder = rundir.export / target
            failed = verdict == "failed"
            file = (folder / "rejected" if failed else folder) / FILES[target]
            file.parent.mkdir(parents=True)
            file.write_text('{"dtype": "bfloat16"}', "utf-8")
            told = {"name": "", "verdict": verdict, "reasons": [f"{verdict} for a reason"]}
            gate = {"target": target, "verdict": verdict, "artefacts": [told]}
            write_json(folder / "gate.json", gate)
        return rundir

    return make
