"""Asks each target before anything is trained whether it can be made of such a model."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from ftrecipe.components.export import Tuned
from ftrecipe.errors import ConfigError
from ftrecipe.stages.exporting.merging import Merge
from ftrecipe.stages.exporting.merging.hollow import grown_to, skeleton
from ftrecipe.stages.exporting.tuned import TunedModel
from ftrecipe.stages.session import Session


def refuse_unmakeable(session: Session) -> None:
    """Raise ConfigError with all that targets of this run would refuse once it is trained."""
    untrained: Tuned = Untrained(session)
    faults: dict[str, None] = {}
    for name in session.exports:
        try:
            session.run.export[name].foresee(session.run.export, untrained)
        except ConfigError as error:
            faults |= dict.fromkeys(error.faults)
    if faults:
        raise ConfigError(faults)


class Untrained(TunedModel):
    """What targets will be made from, of which only numbers are missing."""

    @cached_property
    def model(self) -> Any:
        """The plain model without weights; built for targets that ask for it."""
        return skeleton(self.session.models.config, grown_to(self.session.models))

    @property
    def _merge(self) -> Merge:  # type: ignore[override]
        return Merge(Shapes(self.model))

    @property
    def _config(self) -> PretrainedConfig:  # type: ignore[override]
        return self.model.config

    def made(self, target: str) -> Path | None:
        """Return None: what an earlier training left is made anew."""
        return None


class Shapes:
    """The `Weights` of a model without any."""

    def __init__(self, model: Any) -> None:
        tied = set(model.all_tied_weights_keys)
        self.tensors = {name: t for name, t in model.state_dict().items() if name not in tied}

    @property
    def names(self) -> Sequence[str]:
        """All tensors; one of two that are tied."""
        return list(self.tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return tuple(self.tensors[name].shape)

    def dtype(self, name: str) -> str:
        """Return the type that it would have in memory."""
        return str(self.tensors[name].dtype).removeprefix("torch.")

    def read(self, name: str) -> Any:
        """Refuse: nobody who foresees reads numbers."""
        raise AssertionError(f"{name} is read before it is trained")
