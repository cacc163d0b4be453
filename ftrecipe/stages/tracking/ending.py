"""Tells the tracker how a run ended: its table, its report, what was trained; ends nothing if it
cannot."""

from ftrecipe.paths import bytes_of
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
        model = closing(session.dir, session.run.tracking).model
        return sender.finish(FINAL, 0 if model is None else bytes_of(model))
    finally:
        sender.stop()
