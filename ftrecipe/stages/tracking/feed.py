"""Gives a tracker what a run's files hold, each point once, whoever goes on with the run."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ftrecipe.best import LOSS, MEASURED
from ftrecipe.components.tracking import GROUP, Tracking
from ftrecipe.components.tracking.sink import Opening, Sink
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.tracking.closing import closing
from ftrecipe.stages.tracking.record import Told, recorded

BESIDE = ("step", "seconds")  # of a line of history, what is no curve


class Feed:
    """One run at its tracker, opened; a run that was begun there before is gone on with."""

    def __init__(self, rundir: RunDir, tracking: Tracking) -> None:
        self.dir, self.tracking = rundir, tracking
        boundary = read_json(rundir.run)
        tracker = GROUP.name_of(type(tracking))
        known = recorded(rundir)
        if known and (known.tracker, known.project) != (tracker, tracking.project):
            known = None  # another tracker begins anew
        opening = Opening(
            name=f"{boundary['name']}/{rundir.path.name}",
            folder=rundir.path,
            config=dict(flat(boundary["config"])),
            id=known.id if known else None,
            pid=os.getppid(),
        )
        self.sink: Sink = tracking.open(opening)
        self.told = known or Told(tracker, self.sink.id, tracking.project)
        self.told.failed = None
        if tracking.begins_anew():
            self.told.step = self.told.lines = 0
        self.read = 0  # bytes of the history
        self._had = self.told.step, self.told.lines
        self._seen = (0, 0)  # the last step that was read, and how many lines of it
        self.told.write(rundir)

    @property
    def waits(self) -> bool:
        """Tell whether there is more in the history than was read."""
        return self.dir.history.is_file() and self.dir.history.stat().st_size > self.read

    def more(self) -> None:
        """Send what the history has more than was sent."""
        for line in self._fresh():
            if values := curves(line):
                self.sink.log(values, line["step"])
        self.told.write(self.dir)

    def final(self) -> None:
        """Send what came of the run."""
        self.sink.final(closing(self.dir, self.tracking))

    def close(self, complete: bool) -> None:
        """Return once all of it has arrived."""
        self.sink.close()
        self.told.complete = complete
        self.told.write(self.dir)

    def _fresh(self) -> Iterator[dict[str, Any]]:
        """Yield the whole lines that were written since, without those that arrived before."""
        if not self.dir.history.is_file():
            return
        with self.dir.history.open("rb") as file:
            file.seek(self.read)
            lines = file.read().splitlines(keepends=True)
        for text in lines:
            if not text.endswith(b"\n"):
                break
            self.read += len(text)
            line = json.loads(text)
            step, before = self._seen
            self._seen = line["step"], before + 1 if line["step"] == step else 1
            if self._seen > self._had:
                yield line
                self.told.step, self.told.lines = self._seen


def curves(line: Mapping[str, Any]) -> dict[str, float]:
    """Return the points of a line by the names of their curves: train/loss, eval/qa.f1."""
    return {
        _name(key): float(value)
        for key, value in line.items()
        if key not in BESIDE and isinstance(value, int | float) and math.isfinite(value)
    }


def _name(key: str) -> str:
    if key == LOSS:
        return "eval/loss"
    if key.startswith(MEASURED):
        return f"eval/{key.removeprefix(MEASURED)}"
    return f"train/{key}"


def flat(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested values by dotted key; a list is one text."""
    if isinstance(node, Mapping):
        for name, below in node.items():
            yield from flat(below, f"{key}.{name}" if key else str(name))
    else:
        yield key, json.dumps(node) if isinstance(node, list) else node
