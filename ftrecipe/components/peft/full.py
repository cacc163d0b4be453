"""Training the base itself: all of it, or only its last layers or named modules."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.components.peft import GROUP, Peft, Skeleton, check_modules, unknown_modules
from ftrecipe.errors import ConfigError
from ftrecipe.memory.activations import Trained
from ftrecipe.memory.architecture import Architecture
from ftrecipe.memory.parts import Kind
from ftrecipe.memory.parts import Module as Weights
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from torch.nn import Module
    from transformers import PreTrainedModel


@GROUP.option("full")
@dataclass
class Full(Peft):
    """Every weight is trained."""

    trains_base: ClassVar[bool] = True
    trains_tokens: ClassVar[bool] = True
    trained_share: ClassVar[float] = 1.0
    usual_learning_rate: ClassVar[float] = 2e-5

    def trainable(self, architecture: Architecture, new_tokens: int = 0) -> int | None:
        """All of it."""
        return architecture.parameters

    def trained(self, architecture: Architecture, new_tokens: int = 0) -> Trained:
        """Return every weight of the base."""
        return Trained(architecture.layers, architecture.own)

    def attach(self, model: "PreTrainedModel", total_steps: int, new_tokens: list[int]) -> Any:
        """Return the model with every weight trainable."""
        return model.requires_grad_(True)


@GROUP.option("freeze")
@dataclass
class Freeze(Peft):
    """Only the last `last_layers` layers, or the modules named, are trained."""

    trains_base: ClassVar[bool] = True
    usual_learning_rate: ClassVar[float] = 2e-5
    trained_share: ClassVar[float] = 0.2
    last_layers: int = bounded(2, 1)
    modules: list[str] = field(default_factory=list)

    def check(self, skeleton: Skeleton) -> None:
        """Check the modules' names, or that there are so many layers."""
        if self.modules:
            check_modules("peft.modules", self.modules, skeleton())
        elif not 0 < self.last_layers <= (count := len(decoder_layers(skeleton()))):
            raise ConfigError(f"peft.last_layers={self.last_layers}: this model has {count} layers")

    def trainable(self, architecture: Architecture, new_tokens: int = 0) -> int | None:
        """The last layers, or all within the modules named; a tied table of words once."""
        if self.modules:
            return architecture.counted(architecture.inside(self.modules))
        return sum(part.parameters for part in self._last(architecture))

    def trained(self, architecture: Architecture, new_tokens: int = 0) -> Trained:
        """Return what is trained; the backward pass ends at the first layer of it."""
        inside = architecture.inside(self.modules) if self.modules else self._last(architecture)
        first = min((n for module in inside for n in module.layers or ()), default=None)
        if first is None:
            first = architecture.layers
        if any(module.kind is Kind.embedding for module in inside):
            first = 0
        return Trained(architecture.layers - first, inside)

    def _last(self, architecture: Architecture) -> tuple[Weights, ...]:
        last = range(architecture.layers - self.last_layers, architecture.layers)
        parts = (module.only(last) for module in architecture.decoder)
        return tuple(part for part in parts if part is not None)

    def faults(self, architecture: Architecture) -> Iterator[str]:
        """Yield the modules that the model does not have, or that it has fewer layers."""
        if self.modules:
            yield from unknown_modules("peft.modules", self.modules, architecture)
        elif self.last_layers > architecture.layers:
            yield (
                f"peft.last_layers={self.last_layers}: this model has {architecture.layers} layers"
            )

    def attach(self, model: "PreTrainedModel", total_steps: int, new_tokens: list[int]) -> Any:
        """Freeze all, then unfreeze what was asked for."""
        model.requires_grad_(False)
        for module in self._trained(model):
            module.requires_grad_(True)
        return model

    def _trained(self, model: "PreTrainedModel") -> "list[Module]":
        if not self.modules:
            return decoder_layers(model)[-self.last_layers :]
        return [
            module
            for name, module in model.named_modules()
            if any(name == wanted or name.endswith("." + wanted) for wanted in self.modules)
        ]


def decoder_layers(model: "PreTrainedModel") -> "list[Module]":
    """Return the decoder's layers: the list of modules that is as long as the config says."""
    from torch.nn import ModuleList

    count = model.config.get_text_config().num_hidden_layers
    lists = [m for m in model.modules() if isinstance(m, ModuleList) and len(m) == count]
    if not lists:
        raise ConfigError("peft.last_layers: this model's layers were not found; use peft.modules")
    return list(lists[0])
