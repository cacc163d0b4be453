"""The folder of one sweep: sweep.json, one file a trial, and the locks that keep them true.

    runs_dir/<name>/sweep_<stamp>/   sweep.json  trials/000.json …  000/ …  study.db

A trial that runs holds `trials/.000.lock`, the sweep itself `.lock`: what nobody holds is over.
"""

import datetime
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ftrecipe.errors import ConfigError
from ftrecipe.flock import held, is_held, tried
from ftrecipe.rundir import RunDir, now, read_json, write_json
from ftrecipe.sweep.space import Dimension, from_plain

ENDED = ("finished", "failed", "refused", "pruned")
WAITS = 3.0  # seconds that a start waits for a lock that somebody only looks at


@dataclass
class Trial:
    """What trials/<number>.json says of one trial.

    gate: "passed" or "failed", None without one. exports: by target what its gate said.
    """

    number: int
    overrides: dict[str, str]
    state: str = "running"
    reason: str | None = None
    objective: float | None = None
    seconds: float = 0.0
    run: str | None = None
    started: str = field(default_factory=now)
    ended: str | None = None
    gate: str | None = None
    exports: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of its file and of its run's folder."""
        return f"{self.number:03d}"

    @property
    def words(self) -> list[str]:
        """What it sets, as compose takes it."""
        return [f"{key}={text}" for key, text in self.overrides.items()]


@dataclass(frozen=True)
class Book:
    """The records of one sweep; every process that works on it has its own view of them."""

    path: Path

    @property
    def sweep(self) -> dict[str, Any]:
        """What sweep.json says."""
        return read_json(self.path / "sweep.json")

    @property
    def space(self) -> list[Dimension]:
        """The dimensions that it varies."""
        return [from_plain(node) for node in self.sweep["space"]]

    @property
    def lock(self) -> Path:
        """Held while the sweep goes on."""
        return self.path / ".lock"

    def change(self, **values: Any) -> None:
        """Write sweep.json anew with other values."""
        known = self.sweep
        known.pop("schema_version")
        write_json(self.path / "sweep.json", known | values)

    def trials(self) -> list[Trial]:
        """Return the records of all trials that have begun, in their order."""
        files = sorted((self.path / "trials").glob("*.json"), key=lambda file: int(file.stem))
        return [_trial(file) for file in files]

    def again(self, trial: Trial) -> Trial:
        """Return a trial's record as it stands now."""
        return _trial(self.path / "trials" / f"{trial.name}.json")

    def write(self, trial: Trial) -> None:
        """Write a trial's record."""
        write_json(self.path / "trials" / f"{trial.name}.json", asdict(trial))

    def rundir(self, trial: Trial) -> RunDir:
        """Return the run directory of a trial, which may not be there yet."""
        return RunDir(self.path / trial.name)

    def trial_lock(self, trial: Trial) -> Path:
        """Held by the process that runs the trial."""
        return self.path / "trials" / f".{trial.name}.lock"

    def left(self) -> int:
        """Return how many trials have still to end."""
        return self.sweep["n_trials"] - sum(trial.state in ENDED for trial in self.trials())

    def lost(self) -> list[Trial]:
        """Return the trials that began, did not end, and are run by nobody."""
        return [
            trial
            for trial in self.trials()
            if trial.state not in ENDED and not is_held(self.trial_lock(trial))
        ]

    def ask_to_stop(self) -> None:
        """Ask every process that works on the sweep to stop."""
        (self.path / ".stop").touch()

    @property
    def stopping(self) -> bool:
        """Tell whether trials are to stop: they were asked to, or the sweep itself is dead."""
        if (self.path / ".stop").exists():
            return True
        return self.sweep["host"] == socket.gethostname() and not is_held(self.lock)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Be the only one who chooses a trial, or writes what is told of all of them."""
        with held(self.path / ".turn"):
            yield

    def hold_trial(self, trial: Trial, stack: ExitStack) -> bool:
        """Hold a trial for as long as `stack` is open; tells whether nobody else has it."""
        with ExitStack() as mine:
            if mine.enter_context(tried(self.trial_lock(trial))):
                stack.push(mine.pop_all())
                return True
        return False

    def mark_interrupted(self) -> None:
        """Say of trials that were cut off that they can be gone on with."""
        for trial in self.lost():
            if trial.state == "running":
                trial.state, trial.reason, trial.ended = "interrupted", "cut off", now()
                self.write(trial)


def _trial(file: Path) -> Trial:
    values = read_json(file)
    values.pop("schema_version")
    return Trial(**values)


@contextmanager
def opened(parent: Path, facts: dict[str, Any]) -> Iterator[Book]:
    """Hold the sweep of these words and this folder: one that did not finish, else a new one.

    Raises ConfigError while another process has it, or where nothing can be written.
    """
    with ExitStack() as stack:
        try:
            with held(parent / ".sweeps.lock"):
                book = _unfinished(parent, facts) or _fresh(parent, facts)
                _hold(book, stack)
        except OSError as error:
            raise ConfigError(f"runs_dir: {parent} cannot be written: {error.strerror}") from None
        (book.path / ".stop").unlink(missing_ok=True)
        book.change(
            state="running", ended=None, host=socket.gethostname(),
            n_trials=facts["n_trials"], n_jobs=facts["n_jobs"],
        )  # fmt: skip
        book.mark_interrupted()
        yield book


def _hold(book: Book, stack: ExitStack) -> None:
    deadline = time.monotonic() + WAITS
    while True:
        with ExitStack() as mine:
            if mine.enter_context(tried(book.lock)):
                stack.push(mine.pop_all())
                return
        if time.monotonic() > deadline:
            raise ConfigError(f"{book.path}: this sweep is going on in another process")
        time.sleep(0.1)


def _unfinished(parent: Path, facts: dict[str, Any]) -> Book | None:
    """Return the newest sweep of the same command that did not finish."""
    for file in sorted(parent.glob("sweep_*/sweep.json"), reverse=True):
        known = read_json(file)
        same = all(known[key] == facts[key] for key in ("words", "working_dir"))
        if same and known["state"] != "finished":
            return Book(file.parent)
    return None


def _fresh(parent: Path, facts: dict[str, Any]) -> Book:
    stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    for count in range(1, 1000):
        folder = parent / (f"sweep_{stamp}" + (f"-{count}" if count > 1 else ""))
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        started = {"state": "running", "started": now(), "ended": None}
        write_json(folder / "sweep.json", facts | started | {"host": socket.gethostname()})
        (folder / "trials").mkdir()
        return Book(folder.absolute())
    raise ConfigError(f"{parent / stamp}: a thousand sweeps began in this second")


def forget_run(rundir: RunDir) -> None:
    """Remove a run's folder that was not written to its end, or to which nothing was written."""
    if not rundir.run.is_file() and rundir.path.is_dir():
        shutil.rmtree(rundir.path)
