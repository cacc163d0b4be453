"""Examples drawn again and again: the metrics in the same resamples, and without each one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ftrecipe.compare.tallies import Tallies

if TYPE_CHECKING:
    from ftrecipe.compare.tallies import Array

CELLS = 1 << 21  # weights that are held at a time


@dataclass(frozen=True)
class Settings:
    """How often examples are drawn again, and by which dice."""

    resamples: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Seen:
    """All that is known of one model's metrics, by name.

    whole: of all examples. resamples: in every resample [resamples]. without: where one unit is
    left out [units]. alone: of each unit by itself [units], nan where it says nothing of it.
    """

    whole: dict[str, float]
    resamples: "dict[str, Array]"
    without: "dict[str, Array]"
    alone: "dict[str, Array]"


def seen(models: Sequence[Tallies], settings: Settings) -> list[Seen]:
    """Return what is known of each model; all are drawn alike, so that resamples are paired.

    Raises ValueError for models of unequal numbers of examples.
    """
    import numpy as np

    if len({len(model) for model in models}) > 1:
        counts = " and ".join(str(len(model)) for model in models)
        raise ValueError(f"{counts} examples cannot be paired")
    if not len(models[0]):
        raise ValueError("there are no examples")
    units = [model.units(model.columns) for model in models]
    sums = [[] for _ in models]
    examples = []
    for weights in draws(len(models[0]), settings):
        examples.append(weights @ models[0].sizes)
        with np.errstate(all="ignore"):  # the losses of a model that diverged are no numbers
            for found, values in zip(sums, units, strict=True):
                found.append(weights @ values)
    return [
        _seen(model, values, found, examples)
        for model, values, found in zip(models, units, sums, strict=True)
    ]


def _seen(model: Tallies, units: "Array", sums: "list[Array]", examples: "list[Array]") -> Seen:
    import numpy as np

    with np.errstate(all="ignore"):
        rest = units.sum(axis=0) - units
    return Seen(
        whole=model.metrics(),
        resamples=model.scores(model.columns, np.concatenate(sums), np.concatenate(examples)),
        without=model.scores(model.columns, rest, model.sizes.sum() - model.sizes),
        alone=model.scores(model.columns, units, model.sizes),
    )


def draws(units: int, settings: Settings) -> "Iterator[Array]":
    """Yield how often each unit is drawn [samples, units], a part of the samples at a time.

    A pure function of the settings and the number of units: every metric, baseline and machine
    sees the same resamples.
    """
    import numpy as np

    dice = np.random.default_rng(settings.seed)
    left = settings.resamples
    while left:
        count = min(left, max(1, CELLS // units))
        drawn = dice.integers(units, size=(count, units))
        drawn += units * np.arange(count)[:, None]
        counted = np.bincount(drawn.ravel(), minlength=count * units)
        yield counted.reshape(count, units).astype(np.float64)
        left -= count
