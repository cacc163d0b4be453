"""One trial, as a job of Hydra's launcher runs it: chosen, planned, run by a worker, recorded.

A job is told no more than the sweep's folder: it takes a trial that was cut off, else the next.
"""

import contextlib
import itertools
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ftrecipe import devices, gated, launch, plan
from ftrecipe.assemble import THREADS
from ftrecipe.compose import compose
from ftrecipe.errors import ConfigError, Stopped
from ftrecipe.rundir import RunDir, now, read_json
from ftrecipe.sweep import page, slots
from ftrecipe.sweep.book import ENDED, Book, Trial, forget_run
from ftrecipe.sweep.following import line
from ftrecipe.sweep.space import combinations
from ftrecipe.sweep.study import Study

TERMINATED = 143  # a worker that was asked to stop before it could listen
Judge = Callable[[int, float], bool]


def one_more(config: Any, *, folder: str, front: int) -> float:
    """Run one trial of the sweep in `folder`; return its objective, nan if it has none.

    `front` is the process id of the sweep itself: a job in another one is silent, since several
    may share its terminal. The config that Hydra composed for the job is not needed.
    """
    book = Book(Path(folder))
    sweep = book.sweep
    os.chdir(sweep["working_dir"])
    alone = front == os.getpid()
    if not alone:
        _leave_the_terminals_group()
    with ExitStack() as stack:
        seats = [str(seat) for seat in range(sweep["n_jobs"] or 0)]
        try:
            if seats and not alone:
                stack.enter_context(
                    slots.taken(seats, 1, book.path / ".seats", lambda: book.stopping)
                )
        except Stopped:
            return math.nan
        trial = None if book.stopping else choose(book, stack)
        if trial is None:
            return math.nan
        run(book, trial, alone)
        return math.nan if trial.objective is None else trial.objective


def _leave_the_terminals_group() -> None:
    """Let Ctrl-C reach the sweep alone, which asks all of its trials to stop."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)


def choose(book: Book, stack: ExitStack) -> Trial | None:
    """Take a trial that was cut off, else the next one; it is held while `stack` is open."""
    with book.turn():
        for known in book.trials():
            if known.state in ENDED or not book.hold_trial(known, stack):
                continue
            trial = book.again(known)  # its holder may have ended it just before letting go
            if trial.state not in ENDED:
                trial.state, trial.reason, trial.ended = "running", None, None
                book.write(trial)
                return trial
        number = len(book.trials())
        if number >= book.sweep["n_trials"]:
            return None
        trial = Trial(number, _overrides(book, number))
        book.hold_trial(trial, stack)
        book.write(trial)
        return trial


def _overrides(book: Book, number: int) -> dict[str, str]:
    if book.sweep["settings"] is not None:
        return Study(book).ask()
    return next(itertools.islice(combinations(book.space), number, None))


def run(book: Book, trial: Trial, alone: bool) -> None:
    """Run a trial to its end and record how it ended; a bug ends the trial, not the sweep."""
    began, before = time.monotonic(), trial.seconds
    if alone:
        print(f"\n{line(trial)}", flush=True)
    try:
        trial.state, trial.reason = outcome(book, trial, alone)
    except ConfigError as error:
        trial.state, trial.reason = "refused", "; ".join(error.faults)
    except Stopped as error:
        trial.state, trial.reason = "interrupted", str(error)
    except Exception as error:
        trial.state, trial.reason = "failed", f"{type(error).__name__}: {error}"
        raise
    finally:
        trial.seconds = round(before + time.monotonic() - began, 3)
        close(book, trial)
        if alone:
            print(line(trial), flush=True)


def close(book: Book, trial: Trial) -> None:
    """Write the record of a trial that is over, tell Optuna and renew the page."""
    rundir = book.rundir(trial)
    forget_run(rundir)
    trial.run = trial.name if rundir.run.is_file() else None
    if trial.state == "running":
        return  # Ctrl-C or a signal: whoever goes on with the sweep finds it
    trial.ended = now()
    if trial.state == "finished":
        gate, made = gated.gate_of(rundir), gated.exports_of(rundir)
        trial.gate = None if gate is None else gated.WORDS[gate["passed"]]
        trial.exports = {name: said["verdict"] for name, said in made.items()}
        value = read_json(rundir.metrics)["objective"]
        if math.isfinite(value):
            trial.objective = float(value)
        else:
            trial.state, trial.reason = "failed", f"the objective is {value}"
    with book.turn():
        book.write(trial)
        if trial.state in ENDED and book.sweep["settings"] is not None:
            Study(book).tell(trial)
        page.write(book.path)


def outcome(book: Book, trial: Trial, alone: bool) -> tuple[str, str | None]:
    """Run or go on with the trial's run; return its state and the reason, if it needs one."""
    rundir = book.rundir(trial)
    forget_run(rundir)
    if not rundir.run.is_file():
        made = plan.make(compose([*book.sweep["fixed"], *trial.words]))
        launch.create(made, rundir.path)
    status = launch.read_status(rundir)
    trial.run = trial.name
    book.write(trial)
    boundary = read_json(rundir.run)
    stages = [stage for stage in boundary["stages"] if stage not in status["done"]]
    if not stages:
        return "finished", None
    watch = Watch(book, trial, rundir)
    with places(boundary["config"]["hardware"], book) as environment, quiet(not alone):
        code = launch.start(rundir, stages, environment=environment, watch=watch)
    if launch.read_status(rundir)["state"] == "finished":
        return "finished", None  # it had come to its end when it was asked to stop
    if code in (Stopped.exit_code, TERMINATED):
        if watch.pruned:
            return "pruned", watch.pruned
        if alone:
            book.ask_to_stop()
        return "interrupted", "stopped"
    return judged(code, rundir)


def judged(code: int, rundir: RunDir) -> tuple[str, str | None]:
    """Return the state and the reason of a run whose worker ended with `code`."""
    if code == 0:
        return "finished", None
    status = launch.read_status(rundir)
    if status["state"] != "failed":
        return "failed", f"its process was killed by signal {code - 128}; was the memory full?"
    return "refused" if code == ConfigError.exit_code else "failed", status["error"]


@contextmanager
def places(hardware: dict[str, Any], book: Book) -> Iterator[dict[str, str]]:
    """Wait for the devices that a run needs; yield what its worker's environment says of them."""
    ids = devices.visible() if hardware["device"] == "cuda" else []
    if ids:
        count, folder = hardware["processes"] or 1, slots.of_this_machine()
        with slots.taken(ids, count, folder, lambda: book.stopping) as mine:
            yield {"CUDA_VISIBLE_DEVICES": ",".join(mine)}
        return
    jobs = book.sweep["n_jobs"] or 1
    if hardware["device"] == "cuda" and jobs > 1:
        raise ConfigError(
            "no GPU can be seen here to give each trial its own; use sweep.n_jobs=1, or set "
            "CUDA_VISIBLE_DEVICES"
        )
    share = {THREADS: str(max(1, devices.cores() // (jobs * (hardware["processes"] or 1))))}
    yield share if jobs > 1 and THREADS not in os.environ else {}


@contextmanager
def quiet(asked: bool) -> Iterator[None]:
    """Keep a worker's progress off a terminal that several share; its log has what matters."""
    with ExitStack() as stack:
        if asked:
            nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stdout(nowhere))
        yield


class Watch:
    """Called about once a second while a run lives: says whether it is to stop.

    `pruned` is why, where its evaluation losses are the reason.
    """

    def __init__(self, book: Book, trial: Trial, rundir: RunDir) -> None:
        self.book, self.history = book, rundir.history
        settings = book.sweep["settings"]
        prunes = settings is not None and settings["pruner"] != "none"
        self.judge: Judge | None = Study(book).judge(trial) if prunes else None
        self.read, self.pruned = 0, ""

    def __call__(self) -> bool:
        """Tell whether the run is to stop: the sweep is, or its losses are worse than others'."""
        if self.book.stopping:
            return True
        if self.judge is None or not self.history.is_file():
            return False
        for step, loss in self._new():
            if self.judge(step, loss):
                self.pruned = f"evaluation loss {loss:.4g} at step {step} is behind the others"
                return True
        return False

    def _new(self) -> Iterator[tuple[int, float]]:
        lines = self.history.read_text("utf-8").split("\n")[:-1]
        fresh = lines[self.read :] if len(lines) >= self.read else lines  # cut back by a resume
        self.read = len(lines)
        for values in map(json.loads, fresh):
            if "eval_loss" in values:
                yield values["step"], values["eval_loss"]
