"""How far validation loss lies above training loss, at each evaluation; from the logged history."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple


class Gap(NamedTuple):
    """Both losses at one evaluation: training's is the mean since the evaluation before."""

    step: int
    train: float
    validation: float

    @property
    def size(self) -> float:
        """How much is lost on rows that were not trained on."""
        return self.validation - self.train


def gaps(history: Sequence[Mapping[str, Any]]) -> list[Gap]:
    """Return the gap at each evaluation in the trainer's log, those before a resume too.

    Evaluations before any training loss was logged have none; where none was logged since the
    evaluation before, the last one stands.
    """
    found: list[Gap] = []
    total, steps, before, last = 0.0, 0, 0, None
    for entry in history:
        if "loss" in entry:
            covered = entry["step"] - before
            total, steps = total + entry["loss"] * covered, steps + covered
            before = entry["step"]
            last = total / steps
        elif "eval_loss" in entry and last is not None:
            found.append(Gap(entry["step"], last, entry["eval_loss"]))
            total, steps = 0.0, 0
    return found


def grown(found: Sequence[Gap], evaluations: int) -> bool:
    """Tell whether the gap grew at each of the last `evaluations` evaluations."""
    sizes = [gap.size for gap in found[-evaluations - 1 :]]
    return len(sizes) > evaluations and all(a < b for a, b in pairwise(sizes))
