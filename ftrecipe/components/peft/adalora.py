"""AdaLoRA: LoRA whose rank budget moves to where it matters while training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ftrecipe.components.peft import GROUP, LayerAdapter
from ftrecipe.components.peft.lora import Lora
from ftrecipe.memory.parts import Module
from ftrecipe.registry import bounded

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel, TrainerCallback


@GROUP.option("adalora")
@dataclass
class AdaLora(LayerAdapter):
    """Adaptive rank (arXiv 2303.10512): from `init_r` down to `target_r` on average."""

    passes_to: ClassVar[str] = "peft.AdaLoraConfig"
    allows_bits: ClassVar[tuple[int, ...]] = (16, 8, 4)
    fails_under: ClassVar[tuple[str, ...]] = ("DEEPSPEED", "FSDP")  # reads gradients after a step
    keeps_shapes: ClassVar[bool] = False  # ranks are taken away as it goes
    uncounted: ClassVar[tuple[str, ...]] = Lora.uncounted
    usual_learning_rate: ClassVar[float] = 1e-3
    init_r: int = bounded(24, 1)
    target_r: int = bounded(16, 1)
    alpha: int = bounded(32, 1)
    dropout: float = bounded(0.0, 0, 0.99)

    def beside(self) -> tuple[int, float]:
        """Return the rank and the dropout."""
        return self.init_r, self.dropout

    def on_one(self, module: Module, path: str) -> int | None:
        """Two matrices and the singular values between them, of the rank that it starts with."""
        return self.init_r * (module.inputs + module.outputs + 1)

    def build(self, model: "PreTrainedModel", total_steps: int) -> "PeftConfig":
        """Return an AdaLoraConfig that warms up for a tenth and settles for a third of the run."""
        from peft import AdaLoraConfig

        return AdaLoraConfig(
            init_r=self.init_r,
            target_r=self.target_r,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            total_step=max(total_steps, 3),
            tinit=total_steps // 10,
            tfinal=total_steps // 3,
            target_modules=self.targets,
            task_type="CAUSAL_LM",
            **self.extra,
        )

    def callbacks(self) -> "list[TrainerCallback]":
        """Reallocate the ranks after each optimizer step: PEFT leaves this to the trainer."""
        from transformers import TrainerCallback

        class Reallocate(TrainerCallback):
            def on_optimizer_step(self, args, state, control, **kwargs):  # type: ignore[no-untyped-def]
                kwargs["model"].base_model.update_and_allocate(state.global_step)

        return [Reallocate()]
