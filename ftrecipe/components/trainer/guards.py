"""What a training is watched for, and what is done once it is seen."""

from dataclasses import dataclass
from enum import Enum

from ftrecipe.registry import bounded


class Action(Enum):
    """What follows when a guard sees what it looks for."""

    stop = "stop"
    warn = "warn"
    ignore = "ignore"


@dataclass
class Guards:
    """Signs of a training that has gone wrong.

    nan_loss: a training or validation loss that is NaN or infinite.
    nan_gradients: gradients that are; steps that 16-bit loss scaling skips are not meant.
    zero_gradients: every gradient of a step is exactly 0.
    zero_loss: the loss of a whole step is exactly 0.
    growing_gap: validation loss minus training loss grew at `gap_evaluations` evaluations in a row.
    """

    nan_loss: Action = Action.stop
    nan_gradients: Action = Action.stop
    zero_gradients: Action = Action.stop
    zero_loss: Action = Action.stop
    growing_gap: Action = Action.warn
    gap_evaluations: int = bounded(3, 1, 1000)
