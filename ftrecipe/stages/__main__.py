"""The worker's entrance: `python -m ftrecipe.stages RUN_DIR STAGE …` runs stages in one process."""

import contextlib
import ctypes
import importlib
import os
import signal
import sys
import traceback
from pathlib import Path

from ftrecipe.errors import ConfigError, FtrecipeError, Stopped
from ftrecipe.rundir import LOCK_FD, RunDir, hold, read_json
from ftrecipe.stages.screen import Screen, take_screen
from ftrecipe.stages.session import Session, Stop
from ftrecipe.stages.status import Status
from ftrecipe.stages.summary import summary
from ftrecipe.stages.surroundings import settle

PR_SET_PDEATHSIG = 1


def main(folder: str, stages: list[str]) -> int:
    """Run `stages` of the run in `folder`; return the exit code."""
    rundir = RunDir(Path(folder))
    with contextlib.ExitStack() as stack:
        if LOCK_FD in os.environ:
            die_with_parent()
        else:
            stack.enter_context(hold(rundir))
        log = stack.enter_context(rundir.log.open("a", encoding="utf-8", buffering=1))
        screen = take_screen(log)
        return work(rundir, stages, screen)


def work(rundir: RunDir, stages: list[str], screen: Screen) -> int:
    """Run the stages in order and keep status.json true."""
    status = Status(rundir)
    try:
        session = Session.open(rundir, screen)
        settle(session.run)
        listen(session.stop, screen)
        for stage in stages:
            with status.stage(stage):
                getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(session)
        status.finish()
        for line in summary(session):
            screen.say(line)
        return 0
    except FtrecipeError as error:
        return end(screen, status, error, error.exit_code)
    except KeyboardInterrupt:
        return end(screen, status, Stopped("stopped"), Stopped.exit_code)
    except Exception as error:  # noqa: BLE001 - a bug keeps its traceback, in the log
        return end(screen, status, error, 1)


def end(screen: Screen, status: Status, error: BaseException, code: int) -> int:
    """Tell why the run ended, keep the traceback in the log, and say how to go on."""
    folder = status.rundir.path
    state = "interrupted" if isinstance(error, Stopped) else "failed"
    reason = one_line(error)
    status.end(state, reason)
    traceback.print_exception(error)
    if isinstance(error, ConfigError):
        for fault in error.faults:
            screen.fail(f"error: {fault}")
        return code
    screen.fail(f"{state} in {status.current}: {reason}")
    if read_json(status.rundir.run)["stages"] == ["prepare"]:
        return code  # `check`: its folder does not outlive it
    if state == "failed":
        screen.fail(f"details   {status.rundir.log}")
    screen.fail(f"go on     python -m ftrecipe resume {folder}")
    return code


def one_line(error: BaseException) -> str:
    """Return a reason for people; running out of memory is said as such."""
    text = str(error)
    name = type(error).__name__
    if name == "OutOfMemoryError" or "DefaultCPUAllocator: can't allocate" in text:
        return (
            "out of memory; use a smaller trainer.per_device_train_batch_size (and raise "
            "trainer.gradient_accumulation_steps), trainer.gradient_checkpointing=true, "
            "or quantization=nf4"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = lines[0] if lines else name
    return first if isinstance(error, FtrecipeError) else f"{name}: {first}"


def listen(stop: Stop, screen: Screen) -> None:
    """Stop at the next step while training; at once elsewhere, and at the second signal."""

    def on_signal(number: int, frame: object) -> None:
        if stop.patient and not stop.requested:
            stop.requested = True
            screen.say("stopping  after this step, with a checkpoint; once more to stop at once")
            return
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)


def die_with_parent() -> None:
    """Ask Linux to end this worker when its launcher is killed; elsewhere it runs on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
