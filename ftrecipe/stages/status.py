"""Keeps status.json true while the stages of a run come and go."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ftrecipe.gated import WORDS, gate_of
from ftrecipe.rundir import RunDir, now, read_json, write_json
from ftrecipe.state import LATER, PLANNED, SECONDS, Part, known_status, later_name, with_part


class Status:
    """The state of one run, or of what is done with a finished one later; `name` says of what.

    `done` lists the stages that need not run again, `seconds` what each took, all attempts
    together. Of several processes only one writes it.
    """

    def __init__(self, rundir: RunDir, stages: Sequence[str], writes: bool = True) -> None:
        self.rundir, self.writes = rundir, writes
        self.whole = known_status(rundir)
        self.name = later_name(self.whole, stages)
        if self.name is None:
            self.planned: list[str] = read_json(rundir.run)["stages"]
            self.whole.pop(LATER, None)  # it was about the run as it was
            self.values: Part = self.whole
        else:
            self.planned, self.values = list(stages), dict(PLANNED)
        self.set(state="running", started=self.values["started"] or now(), ended=None, error=None)

    @property
    def current(self) -> str:
        """The stage that runs or ran last."""
        return self.values["stage"] or "start"

    @property
    def seconds(self) -> dict[str, float]:
        """What each stage took, all attempts together."""
        return self.values.get(SECONDS, {})

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Mark `name` as running, and as done when it ends well; keep how long it took."""
        done = [stage for stage in self.values["done"] if stage != name]
        self.set(stage=name, done=done)
        began = time.monotonic()
        try:
            yield
        finally:
            spent = self.seconds.get(name, 0.0) + time.monotonic() - began
            self.values[SECONDS] = self.seconds | {name: round(spent, 3)}  # written with the rest
        self.set(done=[*done, name])

    def finish(self) -> bool:
        """Mark the run as finished if nothing is left to do; tell whether it is."""
        finished = self.writes and set(self.planned) <= set(self.values["done"])
        if finished:
            self.whole.pop("gate", None)
            if gate := gate_of(self.rundir):
                self.whole["gate"] = WORDS[gate["passed"]]
            self.end("finished", None)
        return finished

    def end(self, state: str, error: str | None) -> None:
        """Mark the work as over."""
        self.set(state=state, ended=now(), error=error)

    def set(self, **values: object) -> None:
        """Write the file anew."""
        self.values |= values
        self.whole = with_part(self.whole, self.name, self.values)
        if self.writes:
            write_json(self.rundir.status, self.whole)
