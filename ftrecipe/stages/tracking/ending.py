"""Tells the tracker how a run ended: its table, its report, what was trained; ends nothing if it
cannot."""

from pathlib import Path

from ftrecipe.stages.session import Session
from ftrecipe.stages.tracking.closing import closing
from ftrecipe.stages.tracking.record import recorded, remember
from ftrecipe.stages.tracking.sender import FINAL, Sender


def tell_tracker(session: Session) -> None:
    """Send what came of the run to its tracker, and say where it is, or how it gets there.

    A tracker that failed before is tried again without a word, and not told of twice.
    """
    tracking, folder = session.run.tracking, session.dir.path
    if tracking.package is None or session.only_checks:
        return
    known = recorded(session.dir)
    failed = known is not None and known.failed is not None
    why = tracking.fault() or _sent(session)
    if why is None:
        if command := tracking.look(folder):
            session.screen.say(f"tracking  {command}")
        return
    remember(session.dir, why)
    again = f"python -m ftrecipe.stages {folder} report"
    if failed:
        session.screen.say(f"tracking  to send it later: {again}")
    else:
        session.screen.warn(f"the end of this run was not tracked: {why}; to send it: {again}")


def _sent(session: Session) -> str | None:
    """Have all of it sent; return why it was not."""
    sender = Sender(session.dir.path, session.run.tracking.timeout)
    try:
        if why := sender.wait_until_ready():
            return why
        return sender.finish(FINAL, size_of(closing(session.dir, session.run.tracking).model))
    finally:
        sender.stop()


def size_of(folder: Path | None) -> int:
    """Return the bytes in a folder, 0 for none."""
    if folder is None:
        return 0
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
