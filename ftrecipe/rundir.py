"""Names of the files in a run directory, and how its JSON is read and written."""

import datetime
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.flock import take
from ftrecipe.secrets import redacted, redacted_tree

STAGES = ("prepare", "baseline", "train", "evaluate", "export", "report")
SCHEMA_VERSION = 1
LOCK_FD = "FTRECIPE_LOCK_FD"  # tells a worker that its launcher holds the lock, and on which fd


@dataclass(frozen=True)
class RunDir:
    """The files of one run; every path is derived from `path` and nothing else."""

    path: Path

    @property
    def run(self) -> Path:
        """The resolved config, which is all that a worker reads."""
        return self.path / "run.json"

    @property
    def recipe(self) -> Path:
        """What to share: only the differences from the defaults."""
        return self.path / "recipe.yaml"

    @property
    def plan(self) -> Path:
        """The commands that the launcher runs, as a shell script."""
        return self.path / "plan.sh"

    @property
    def log(self) -> Path:
        """All that libraries say, and the traceback of a failed stage."""
        return self.path / "log.txt"

    @property
    def logs(self) -> Path:
        """Logs and records of the ranks of a distributed stage."""
        return self.path / "logs"

    def rank_log(self, rank: int) -> Path:
        """All that libraries say in one process of several; the first one's is `log`."""
        return self.logs / f"rank_{rank}.txt"

    def rank_record(self, rank: int) -> Path:
        """Who a rank is, and how it ended: rank, pid, state, error, at."""
        return self.logs / f"rank_{rank}.json"

    @property
    def status(self) -> Path:
        """Stage, state, started, ended, error."""
        return self.path / "status.json"

    @property
    def lock(self) -> Path:
        """Held (flock) by the one process that owns the run while it lives."""
        return self.path / ".lock"

    @property
    def lock_json(self) -> Path:
        """What the run was made of, and what came of it, for repeating it exactly."""
        return self.path / "lock.json"

    @property
    def tags(self) -> Path:
        """Words that people gave the run."""
        return self.path / "tags.json"

    @property
    def pointers(self) -> Path:
        """The events that made names, `support-bot@production`, point to the run, and away."""
        return self.path / "pointers.json"

    @property
    def data_report(self) -> Path:
        """Counts and the audit of the prepared data."""
        return self.path / "data" / "report.json"

    @property
    def data_page(self) -> Path:
        """The audit of the data, to look at."""
        return self.path / "data" / "report.html"

    @property
    def quarantine(self) -> Path:
        """Every row that was left out: source, line, rule, reason, content."""
        return self.path / "data" / "quarantine.jsonl"

    @property
    def prepared(self) -> Path:
        """Names the folder of prepared data (`{"path": …, "fingerprint": …}`)."""
        return self.path / "data" / "prepared.json"

    @property
    def checkpoints(self) -> Path:
        """Holds checkpoint-<step> folders."""
        return self.path / "checkpoints"

    @property
    def adapter(self) -> Path:
        """The trained adapter, for methods that have one."""
        return self.path / "adapter"

    @property
    def model(self) -> Path:
        """The trained model, for methods that change the base."""
        return self.path / "model"

    @property
    def base(self) -> Path:
        """Which base was tuned, by path and hash, for runs that go on from this one."""
        return self.path / "base.json"

    @property
    def metrics(self) -> Path:
        """What was measured: base, tuned, train, objective."""
        return self.path / "metrics.json"

    @property
    def history(self) -> Path:
        """One JSON line a logged training step."""
        return self.path / "history.jsonl"

    @property
    def tracking(self) -> Path:
        """By which id a tracker knows the run, and how much of the history it has."""
        return self.path / "tracking.json"

    @property
    def eval(self) -> Path:
        """Per-example results: eval/<suite>.jsonl."""
        return self.path / "eval"

    def results(self, suite: str) -> Path:
        """One JSON line an example of a suite: the example, and by model what came of it."""
        return self.eval / f"{suite}.jsonl"

    @property
    def export(self) -> Path:
        """Holds one folder an export target."""
        return self.path / "export"

    @property
    def report_html(self) -> Path:
        """The one page that tells the story."""
        return self.path / "report.html"

    @property
    def report_md(self) -> Path:
        """The same story for a pull request or a chat."""
        return self.path / "report.md"


def read_json(path: Path) -> Any:
    """Read one JSON file. Raises ConfigError for a broken one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path}: is not valid JSON: {error}") from None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` with its schema version and without secrets, atomically.

    It is on the disk before it has the name: also a power cut leaves the old file or the new.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = redacted_tree({"schema_version": SCHEMA_VERSION, **value})
    _replace(path, json.dumps(whole, indent=2, ensure_ascii=False) + "\n", lasting=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file without secrets, atomically: readers see the old file or the new."""
    _replace(path, redacted(text))


def _replace(path: Path, text: str, lasting: bool = False) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    fresh.replace(path)


def now() -> str:
    """Return the time with its zone, to the second."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


@contextmanager
def hold(rundir: RunDir) -> Iterator[int]:
    """Hold the run's lock; raises ConfigError while another process holds it."""
    with rundir.lock.open("a") as file:
        if not take(file, wait=False):
            raise ConfigError(f"{rundir.path}: this run is going on in another process")
        yield file.fileno()
