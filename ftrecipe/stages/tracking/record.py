"""tracking.json: by which id a tracker knows a run, and how much of it it has."""

from dataclasses import asdict, dataclass

from ftrecipe.rundir import RunDir, read_json, write_json


@dataclass
class Told:
    """All of the history up to `lines` lines of `step` has arrived; complete: also its end.

    failed: why not all of it was sent, the last time that something was.
    """

    tracker: str
    id: str
    project: str
    step: int = 0
    lines: int = 0
    complete: bool = False
    failed: str | None = None

    def write(self, rundir: RunDir) -> None:
        """Write it down."""
        write_json(rundir.tracking, asdict(self))


def recorded(rundir: RunDir) -> Told | None:
    """Return what a tracker has, None where none has anything."""
    if not rundir.tracking.is_file():
        return None
    plain = read_json(rundir.tracking)
    plain.pop("schema_version")
    return Told(**plain)


def remember(rundir: RunDir, why: str) -> None:
    """Write down why a tracker was left, if it had begun."""
    if told := recorded(rundir):
        told.failed = why
        told.write(rundir)
