"""Names that point to runs, `support-bot@production`: events in the run directories, and no more.

Each run keeps in `pointers.json` what made a name point to it, and what took a name away from it.
Where a name points follows from the events of all runs that are there.
"""

import datetime
import getpass
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ftrecipe.errors import ConfigError, did_you_mean
from ftrecipe.flock import held
from ftrecipe.folders import Shelf, shelf
from ftrecipe.rundir import RunDir, read_json, write_json

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}@[a-z0-9][a-z0-9._-]{0,63}")
LOCK = ".names.lock"  # in runs_dir: one promotion at a time
PROMOTE, ROLLBACK = "promote", "rollback"
Key = tuple[str, int, str]  # what tells an event from every other, also after a folder was moved


@dataclass(frozen=True)
class Event:
    """A name was made to point to a run.

    number: counts the events of a name. run: the run's folder, as it was called below runs_dir.
    standing: the number of the promotion that is in force since. forced: what spoke against it.
    """

    name: str
    number: int
    action: str
    run: str
    standing: int
    at: str
    by: str
    replaced: str | None = None
    forced: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """What tells it from every other event."""
        return self.name, self.number, self.at


@dataclass
class Pointer:
    """One name: its events, and the folders of those runs that are still there, by event."""

    name: str
    events: list[Event] = field(default_factory=list)
    owners: dict[Key, Path] = field(default_factory=dict)

    @property
    def standing(self) -> list[Event]:
        """The promotions in force, the last on top; a rollback took those above it away."""
        stack: list[Event] = []
        for event in self.events:
            if event.action == PROMOTE:
                stack.append(event)
            else:
                stack = [one for one in stack if one.number <= event.standing]
        return stack

    @property
    def current(self) -> Event | None:
        """The newest promotion in force of a run that is there; None where all are gone."""
        there = self._there
        return there[-1] if there else None

    @property
    def run(self) -> Path | None:
        """The folder of the run that it points to."""
        return None if self.current is None else self.owners[self.current.key]

    @property
    def before(self) -> Event | None:
        """The promotion that a rollback goes back to: the newest of another run that is there."""
        others = [event for event in self._there if self.owners[event.key] != self.run]
        return others[-1] if others else None

    @property
    def _there(self) -> list[Event]:
        return [event for event in self.standing if event.key in self.owners]

    @property
    def gone(self) -> list[str]:
        """The runs promoted since whose folders are no longer there, the newest first."""
        since = 0 if self.current is None else self.current.number
        return [event.run for event in reversed(self.standing) if event.number > since]

    @property
    def next_number(self) -> int:
        """The number of its next event."""
        return max((event.number for event in self.events), default=0) + 1


def check_name(name: str) -> None:
    """Raise ConfigError for what is no name of a pointer."""
    if NAME.fullmatch(name):
        return
    plain = re.sub(r"[^a-z0-9._@-]+", "-", name.strip().lower()).strip("-._")
    meant = plain if "@" in plain else f"{plain}@production"
    hint = f"; did you mean {meant}?" if NAME.fullmatch(meant) else ""
    raise ConfigError(
        f"{name!r} is no name for a run: <name>@<stage>, each of small letters, digits, dots, "
        f"dashes and underscores, as in support-bot@production{hint}"
    )


def read_all(runs: Shelf) -> dict[str, Pointer]:
    """Return every name, in order. Raises ConfigError for files that cannot be read: each might
    say where a name points."""
    found: dict[str, Pointer] = {}
    faults: list[str] = []
    for folder in runs.runs:
        try:
            own, others = events_of(RunDir(folder))
        except ConfigError as error:
            faults += error.faults
            continue
        for event in own:
            pointer = found.setdefault(event.name, Pointer(event.name))
            original = runs.name(folder) == event.run  # of two copies of a run, the first one
            if original or event.key not in pointer.owners:
                pointer.owners[event.key] = folder
        for event in (*own, *others):
            pointer = found.setdefault(event.name, Pointer(event.name))
            if event.key not in {one.key for one in pointer.events}:
                pointer.events.append(event)
    if faults:
        raise ConfigError(faults)
    for pointer in found.values():
        pointer.events.sort(key=lambda event: (event.number, event.at))
    return dict(sorted(found.items()))


def events_of(rundir: RunDir) -> tuple[list[Event], list[Event]]:
    """Return the events that point names to a run, and those that took names away from it."""
    try:
        known = read_json(rundir.pointers)
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise ConfigError(f"{rundir.pointers}: cannot be read: {error.strerror}") from None
    try:
        return _events(known["events"]), _events(known["replaced_by"])
    except (LookupError, TypeError, AttributeError):
        raise ConfigError(
            f"{rundir.pointers}: holds no events of names; mend or remove it"
        ) from None


def promote(runs: Path, rundir: RunDir, name: str, forced: Sequence[str] = ()) -> Event | None:
    """Let a name point to a run below `runs`; None where it does already."""
    check_name(name)
    with held(runs / LOCK):
        found = shelf(runs)
        pointer = read_all(found).get(name, Pointer(name))
        if pointer.run is not None and pointer.run == rundir.path and not pointer.gone:
            return None
        number = pointer.next_number
        event = Event(
            name, number, PROMOTE, found.name(rundir.path), number, _now(), _user(),
            pointer.run and found.name(pointer.run), list(forced),
        )  # fmt: skip
        _record(event, rundir, pointer.run)
    return event


def rollback(runs: Path, name: str) -> Event:
    """Let a name point to the run that it pointed to before. Raises ConfigError for none."""
    with held(runs / LOCK):
        found = shelf(runs)
        pointer = known(read_all(found), name, runs)
        back = pointer.before
        if back is None or pointer.run is None:
            raise ConfigError(f"{name}: there is no run before {_told(pointer)} to go back to")
        folder = pointer.owners[back.key]
        event = Event(
            name, pointer.next_number, ROLLBACK, found.name(folder), back.number, _now(), _user(),
            found.name(pointer.run),
        )  # fmt: skip
        _record(event, RunDir(folder), pointer.run)
    return event


def known(pointers: dict[str, Pointer], name: str, runs: Path) -> Pointer:
    """Return the pointer of that name. Raises ConfigError with the nearest one."""
    if name not in pointers:
        there = f" (there are: {', '.join(pointers)})" if pointers else ""
        raise ConfigError(
            f"{name} is no name of a run in {runs}/{did_you_mean(name, pointers)}{there}"
        )
    return pointers[name]


def _told(pointer: Pointer) -> str:
    return str(pointer.run) if pointer.run else "those that are gone"


def _record(event: Event, rundir: RunDir, before: Path | None) -> None:
    """Write an event where it counts, then where it tells that a name was taken away."""
    own, others = events_of(rundir)
    _write(rundir, [*own, event], others)
    if before is not None and before != rundir.path:
        own, others = events_of(RunDir(before))
        _write(RunDir(before), own, [*others, event])


def _write(rundir: RunDir, own: Sequence[Event], others: Sequence[Event]) -> None:
    parts = {"events": [asdict(one) for one in own], "replaced_by": [asdict(one) for one in others]}
    write_json(rundir.pointers, parts)


def _events(nodes: Any) -> list[Event]:
    names = {item.name for item in fields(Event)}
    told = [Event(**{key: value for key, value in node.items() if key in names}) for node in nodes]
    for event in told:
        words = (event.name, event.action, event.run, event.at, event.by, event.replaced or "")
        counts = (event.number, event.standing)
        if not all(isinstance(word, str) for word in words) or not all(
            isinstance(count, int) for count in counts
        ):
            raise TypeError("an event that we did not write")
    return told


def names_of(pointers: dict[str, Pointer]) -> Iterator[tuple[Path, str]]:
    """Yield each run that a name points to, with the name."""
    for pointer in pointers.values():
        if pointer.run is not None:
            yield pointer.run, pointer.name


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return "unknown"
