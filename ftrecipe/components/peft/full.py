"""Training the base itself: all of it, or only its last layers or named modules."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.components.peft import GROUP, Peft, check_modules
from ftrecipe.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@GROUP.option("full")
@dataclass
class Full(Peft):
    """Every weight is trained."""

    trains_base: ClassVar[bool] = True
    trains_tokens: ClassVar[bool] = True
    usual_learning_rate: ClassVar[float] = 2e-5

    def attach(self, model: "PreTrainedModel", total_steps: int, new_tokens: list[int]) -> Any:
        """Return the model with every weight trainable."""
        return model.requires_grad_(True)


@GROUP.option("freeze")
@dataclass
class Freeze(Peft):
    """Only the last `last_layers` layers, or the modules named, are trained."""

    trains_base: ClassVar[bool] = True
    usual_learning_rate: ClassVar[float] = 2e-5
    last_layers: int = 2
    modules: list[str] = field(default_factory=list)

    def attach(self, model: "PreTrainedModel", total_steps: int, new_tokens: list[int]) -> Any:
        """Freeze all, then unfreeze what was asked for."""
        model.requires_grad_(False)
        if self.modules:
            check_modules("peft.modules", self.modules, model)
            for name, module in model.named_modules():
                if any(name == wanted or name.endswith("." + wanted) for wanted in self.modules):
                    module.requires_grad_(True)
            return model
        layers = model.base_model.layers
        if not 0 < self.last_layers <= len(layers):
            raise ConfigError(
                f"peft.last_layers={self.last_layers}: this model has {len(layers)} layers"
            )
        for layer in layers[-self.last_layers :]:
            layer.requires_grad_(True)
        return model
