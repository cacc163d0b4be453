"""The worker's entrance: `python -m ftrecipe.stages RUN_DIR STAGE …` runs stages in one process."""

import contextlib
import errno
import importlib
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from ftrecipe import gated
from ftrecipe.amounts import size
from ftrecipe.errors import ConfigError, FtrecipeError, Stopped
from ftrecipe.ranks import Ranks
from ftrecipe.rundir import LOCK_FD, STAGES, RunDir, hold, read_json
from ftrecipe.sealing import opened
from ftrecipe.secrets import redacted
from ftrecipe.stages.closing import closing
from ftrecipe.stages.ranks import Rank, Record
from ftrecipe.stages.screen import Screen, take_screen
from ftrecipe.stages.session import Session
from ftrecipe.stages.signals import die_with_parent, leave_when_lost, listen, lost_rank
from ftrecipe.stages.status import Status
from ftrecipe.stages.surroundings import settle
from ftrecipe.stages.wait import WAIT, wait
from ftrecipe.state import going_on

LAST = STAGES[-1]  # ends a run, and with it says whether its gate was passed
START_SPREAD = 60.0  # seconds within which all ranks of one start have begun


def main(folder: str, stages: list[str]) -> int:
    """Run `stages` of the run in `folder`; return the exit code."""
    rundir, rank = RunDir(Path(folder)), Rank.here()
    if stages == [WAIT]:
        return wait(rundir)
    try:
        return enter(rundir, rank, stages)
    except ConfigError as error:  # of a plan.sh by hand, while the run goes on elsewhere
        print(f"error: {redacted(str(error))}", file=sys.stderr)
        return error.exit_code


def enter(rundir: RunDir, rank: Rank, stages: list[str]) -> int:
    """Hold the run, unless whoever started this process does, and work.

    Raises ConfigError, with the run left as it is, while a secret value of its is not given.
    """
    opened(read_json(rundir.run)["config"], os.environ, where=str(rundir.run))
    with contextlib.ExitStack() as stack:
        if LOCK_FD in os.environ or rank.launched:
            die_with_parent()
        if LOCK_FD not in os.environ and rank.first:
            stack.enter_context(hold(rundir))
        own = rundir.log if rank.first else rundir.rank_log(rank.number)
        own.parent.mkdir(exist_ok=True)
        log = stack.enter_context(own.open("a", encoding="utf-8", buffering=1))
        screen = take_screen(log, silent=not rank.first)
        try:
            return Worker(rundir, rank, screen, stages).work()
        except OSError as error:
            if is_full(error) and screen.errors:  # not even status.json and log.txt can be written
                screen.errors.write(f"failed: {no_room(rundir)}\n")
                screen.errors.flush()
            raise


class Worker:
    """One process of a run: works through its stages, and keeps word of how it fares."""

    def __init__(self, rundir: RunDir, rank: Rank, screen: Screen, stages: list[str]) -> None:
        self.dir, self.rank, self.screen = rundir, rank, screen
        self.ranks = Ranks(rundir, since=time.time() - START_SPREAD)
        self.record = Record(rundir, rank)
        self.status = Status(rundir, stages, writes=rank.first)
        self.stages = stages

    def work(self) -> int:
        """Run the stages in order; return the exit code."""
        stages = self.stages
        try:
            session = Session.open(self.dir, self.screen, self.rank)
            self.rank.check(session.run, stages)
            settle(session.run)
            listen(session.stop, self.screen, self.rank, self.ranks)
            if self.rank.world > 1:
                leave_when_lost(self.ranks, self.rank, lambda why: self.end("failed", why))
            for stage in stages:
                with self.status.stage(stage):
                    getattr(importlib.import_module(f"ftrecipe.stages.{stage}"), stage)(session)
            self.record.say("finished")
            if not self.status.finish():
                return 0
            for line in closing(session, self.status.name, self.status.seconds):
                self.screen.say(line)
            return gated.FAILED if stages[-1] == LAST and gated.fails(self.dir) else 0
        except FtrecipeError as error:
            return self.tell(error, error.exit_code)
        except KeyboardInterrupt:
            return self.tell(Stopped("stopped"), Stopped.exit_code)
        except Exception as error:  # noqa: BLE001 - a bug keeps its traceback, in the log
            return self.tell(error, 1)

    def tell(self, error: BaseException, code: int) -> int:
        """Tell why the run ended, keep a bug's traceback in the log, and say how to go on."""
        state = "interrupted" if isinstance(error, Stopped) else "failed"
        reason = no_room(self.dir) if is_full(error) else one_line(error)
        if not isinstance(error, ConfigError):
            with contextlib.suppress(OSError):  # a full disk takes no traceback
                self._keep(error)
        if state == "failed" and self.rank.world > 1:
            reason = lost_rank(self.ranks, self.rank) or reason  # what came first explains the rest
        with contextlib.suppress(OSError):  # nor a status: whoever looks next finds what is true
            self.end(state, reason)
        if isinstance(error, ConfigError):
            for fault in error.faults:
                self.screen.fail(f"error: {fault}")
            return code
        self.screen.fail(f"{state} in {self.status.current}: {reason}")
        if self.status.name is None and self.status.planned == ["prepare"]:
            return code  # `check`: its folder does not outlive it
        if state == "failed":
            self.screen.fail(f"details   {self.dir.logs if self.rank.world > 1 else self.dir.log}")
        for line in going_on(self.dir, self.status.name):
            self.screen.fail(line)
        return code

    def end(self, state: str, reason: str) -> None:
        """Write down that the work is over before it was done."""
        self.record.say("stopped" if state == "interrupted" else state, reason)
        self.status.end(state, reason)

    def _keep(self, error: BaseException) -> None:
        """Leave the traceback in the log; the first rank's also where those of the others are."""
        traceback.print_exception(error)
        if self.rank.launched and self.rank.first:
            with self.dir.rank_log(0).open("a", encoding="utf-8") as file:
                file.write(redacted("".join(traceback.format_exception(error))))


def is_full(error: BaseException) -> bool:
    """Tell whether a disk was full, however a library puts it."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or (not isinstance(error, FtrecipeError) and "No space left" in str(error))


def no_room(rundir: RunDir) -> str:
    """Return where there is how much room, for people whose disk is full."""
    free = [
        f"{size(shutil.disk_usage(folder).free)} free in {folder}"
        for folder in (rundir.path.parent, tempfile.gettempdir())
    ]
    return f"no space left on a disk ({', '.join(free)}); free some, or set TMPDIR or runs_dir"


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
