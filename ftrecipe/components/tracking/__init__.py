"""Where a run is followed from outside; each option is one tracker, and all get the same."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ftrecipe.components.tracking.sink import Opening, Sink
from ftrecipe.registry import Group, bounded


@dataclass
class Tracking:
    """Follow nothing; history.jsonl and the report are always written.

    timeout: seconds without an answer, at the beginning and at the end of a training and of a run,
    after which the run goes on without the tracker.
    """

    package: ClassVar[str | None] = None
    project: str = "ftrecipe"
    timeout: float = bounded(30.0, 1, 3600)

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the environment variables that the tracker reads; `folder` is the run's."""
        return {}

    def fault(self) -> str | None:
        """Return why the tracker could not follow a run that began now; None where it could."""
        if self.package is not None and importlib.util.find_spec(self.package) is None:
            return f"{self.package} is not installed here; pip install {self.package}"
        return None

    def insists(self) -> bool:
        """Tell whether a run that cannot be followed should not begin."""
        return True

    def begins_anew(self) -> bool:
        """Tell whether what was written before is written again, so that it is in one piece."""
        return False

    def sends_model(self) -> bool:
        """Tell whether what was trained goes to the tracker too."""
        return False

    def open(self, opening: Opening) -> Sink:
        """Begin a run at the tracker, or go on with one. Raises whatever its library raises."""
        raise NotImplementedError

    def look(self, folder: Path) -> str | None:
        """Return the command that shows what was kept, or sends it; None where a page shows it."""
        return None


GROUP = Group("tracking", Tracking)
GROUP.option("none")(Tracking)
