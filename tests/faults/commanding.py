"""Runs the real command on a fault: what it said, its code, its seconds and its memory are kept."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "ftrecipe"]
# What a quiet machine needs is in docs/faults.md; here, it shares its cores with other tests.
BUSY = 12
CONFIG_SECONDS, FILE_SECONDS, WORKER_SECONDS = 1 * BUSY, 3 * BUSY, 8 * BUSY
JARGON = ("Traceback", "hydra", "omegaconf", "OmegaConf", "RuntimeError", "Exception:")


@dataclass(frozen=True)
class Told:
    """What a command said, and what it took."""

    code: int
    out: str
    err: str
    seconds: float
    peak: int  # bytes of the process itself

    def refused(self, *words: str, seconds: float = CONFIG_SECONDS) -> None:
        """Hold that a person's fault was told in words, with these among them, in time."""
        self.said(2, *words, seconds=seconds)
        assert all(line.startswith("error: ") for line in self.err.splitlines()), self.err

    def failed(self, *words: str, seconds: float = WORKER_SECONDS) -> None:
        """Hold that a failure was told in words, with these among them, in time."""
        self.said(1, *words, seconds=seconds)

    def said(self, code: int, *words: str, seconds: float) -> None:
        """Hold the exit code, the words on stderr, and that there is no jargon in them."""
        assert self.code == code, self.out + self.err
        for word in words:
            assert word in self.err, self.err
        assert not [word for word in JARGON if word in self.err], self.err
        assert self.seconds < seconds


# A process begins with its parent's peak memory, and tests are large: a small one stands between.
SMALL = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(child.pid, 0)
open(sys.argv[1], "w").write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def ftrecipe(folder: Path, *words: str, **environment: str) -> Told:
    """Run the command in `folder` to its end."""
    outputs = folder / ".out", folder / ".err", folder / ".peak"
    began = time.monotonic()
    with outputs[0].open("wb") as out, outputs[1].open("wb") as err:
        done = subprocess.run(
            [sys.executable, "-S", "-c", SMALL, str(outputs[2]), *COMMAND, *words],
            cwd=folder, stdout=out, stderr=err, env=surroundings(environment), check=False,
        )  # fmt: skip
    said = [file.read_text("utf-8") for file in outputs]
    for file in outputs:
        file.unlink()
    seconds = time.monotonic() - began
    return Told(done.returncode, said[0], said[1], seconds, int(said[2]) * 1024)


def surroundings(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of a command: this one's, one thread, and no hub."""
    left = {"WANDB_API_KEY", "WANDB_BASE_URL", "HF_TOKEN", "CUDA_VISIBLE_DEVICES", "FTRECIPE_PATH"}
    own = {key: value for key, value in os.environ.items() if key not in left}
    quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    return own | quiet | environment


def leftovers(folder: Path) -> list[str]:
    """Return what a command has left in a folder of runs, but for its caches."""
    runs = folder / "runs"
    return sorted(
        str(file.relative_to(runs)) for file in runs.rglob("*") if ".cache" not in str(file)
    )


def rows(count: int, **others: str) -> str:
    """Return the lines of a file of questions and answers; `at_7="…"` is line 7."""
    lines = {int(name[3:]): text for name, text in others.items()}
    own = {
        n: {"question": f"What is {n}?", "answer": f"It is {7 * n}."} for n in range(1, count + 1)
    }
    return "".join(lines.get(n, json.dumps(row)) + "\n" for n, row in own.items())
