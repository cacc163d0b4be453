"""The files that a score is asked of: read and paired, with all that is wrong told at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ftrecipe.components.dataset import Dataset
from ftrecipe.errors import ConfigError
from ftrecipe.results import MODELS
from ftrecipe.scoring.contents import contents
from ftrecipe.scoring.pairing import Paired, paired
from ftrecipe.scoring.predictions import Predictions, predictions
from ftrecipe.scoring.references import References, of_dataset, references

T = TypeVar("T")
PREDICTIONS, REFERENCES, AGAINST = "--predictions", "--references", "--against"
MODEL, AGAINST_MODEL = "--model", "--against-model"
COLUMN, AGAINST_COLUMN = "--column", "--against-column"
FLAGS = (PREDICTIONS, REFERENCES, AGAINST, MODEL, AGAINST_MODEL, COLUMN, AGAINST_COLUMN)


@dataclass(frozen=True)
class Named:
    """What the flags of a command line name.

    dataset: how the references are read, where the command line says so.
    """

    flags: Mapping[str, str]
    dataset: Dataset | None

    def read(self) -> tuple[Paired, Paired | None]:
        """Return the answers, and those that they are held against, with their questions.

        Raises ConfigError with all that is wrong.
        """
        faults: list[str] = []
        wanted = tried(self._references, faults)
        mine = tried(lambda: self._answers(PREDICTIONS, MODEL, COLUMN), faults)
        other = None
        if {AGAINST, AGAINST_MODEL, AGAINST_COLUMN} & set(self.flags):
            held = AGAINST if AGAINST in self.flags else PREDICTIONS
            other = tried(lambda: self._answers(held, AGAINST_MODEL, AGAINST_COLUMN), faults)
        if faults or wanted is None or mine is None:
            raise ConfigError(dict.fromkeys(faults))
        first = tried(lambda: paired(wanted, mine), faults)
        second = tried(lambda: paired(wanted, other), faults) if other else None
        if faults or first is None:
            raise ConfigError(faults)
        return first, second

    def _answers(self, file: str, model: str, column: str) -> Predictions:
        if file not in self.flags:
            raise ConfigError(f"{file} is missing; add {file} FILE, the answers to score")
        held = contents(self.flags[file])
        return predictions(held, self.flags.get(column), self.flags.get(model))

    def _references(self) -> References:
        if self.dataset is not None:
            return of_dataset(self.dataset)
        if REFERENCES in self.flags:
            return references(contents(self.flags[REFERENCES]))
        held = contents(self.flags[PREDICTIONS]) if PREDICTIONS in self.flags else None
        if held is None or MODELS not in held.first:
            raise ConfigError(f"{REFERENCES} is missing; add {REFERENCES} FILE, what was expected")
        return references(held)


def tried(make: Callable[[], T], faults: list[str]) -> T | None:
    """Return what `make` makes, or None with its faults added to those that are known."""
    try:
        return make()
    except ConfigError as error:
        faults += error.faults
        return None
