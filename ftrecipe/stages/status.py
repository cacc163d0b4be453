"""Keeps status.json true while the stages of a run come and go."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ftrecipe.gated import WORDS, gate_of
from ftrecipe.rundir import RunDir, now, read_json, write_json
from ftrecipe.state import known_status


class Status:
    """The state of one run; `done` lists the stages that need not run again.

    Of several processes only one writes it.
    """

    def __init__(self, rundir: RunDir, writes: bool = True) -> None:
        self.rundir, self.writes = rundir, writes
        self.planned: list[str] = read_json(rundir.run)["stages"]
        self.values: dict[str, Any] = known_status(rundir)
        self.set(state="running", started=self.values["started"] or now(), ended=None, error=None)

    @property
    def current(self) -> str:
        """The stage that runs or ran last."""
        return self.values["stage"] or "start"

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Mark `name` as running, and as done when it ends well."""
        done = [stage for stage in self.values["done"] if stage != name]
        self.set(stage=name, done=done)
        yield
        self.set(done=[*done, name])

    def finish(self) -> bool:
        """Mark the run as finished if nothing is left to do; tell whether it is."""
        finished = self.writes and set(self.planned) <= set(self.values["done"])
        if finished:
            self.values.pop("gate", None)
            if gate := gate_of(self.rundir):
                self.values["gate"] = WORDS[gate["passed"]]
            self.end("finished", None)
        return finished

    def end(self, state: str, error: str | None) -> None:
        """Mark the run as over."""
        self.set(state=state, ended=now(), error=error)

    def set(self, **values: Any) -> None:
        """Write the file anew."""
        self.values |= values
        if self.writes:
            write_json(self.rundir.status, self.values)
