"""How the weights are trained: the trainer, its arguments, and what it does with the data."""

import math
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ftrecipe.components.trainer.guards import Guards
from ftrecipe.data.tokens.masks import TrainOn
from ftrecipe.memory.optimizers import Tensor, optimizer
from ftrecipe.registry import Group, bounded, only_with

if TYPE_CHECKING:
    from trl import SFTConfig


DECIDES = "trainer.early_stopping_patience or trainer.load_best_model_at_end"


class Scheduler(Enum):
    """Learning-rate schedules of transformers."""

    linear = "linear"
    cosine = "cosine"
    constant = "constant"
    constant_with_warmup = "constant_with_warmup"
    cosine_with_min_lr = "cosine_with_min_lr"
    inverse_sqrt = "inverse_sqrt"
    polynomial = "polynomial"


@dataclass
class Trainer:
    """What every trainer has; None lets the method, the model or the machine decide.

    eval_suites: names of the run's suites that are also measured while training, at every
    `eval_suites_every`-th evaluation, on `eval_samples` examples of the validation split.
    metric_for_best_model: `eval_loss`, or a suite's metric (`qa.f1`); None is eval_loss.
    early_stopping_patience: evaluations in a row without a gain of more than
    `early_stopping_threshold` after which training ends; None never ends it.
    """

    passes_to: ClassVar[str]  # the library class that `extra` goes to
    reserved: ClassVar[tuple[str, ...]] = ()  # what that class is told by the run itself
    accepts: ClassVar[tuple[str, ...]] = ("chat", "completion", "text")  # what data it trains on
    learning_rate: float | None = bounded(None, 1e-12, 1)
    num_train_epochs: float = bounded(3.0, 1e-6)
    max_steps: int = bounded(-1, -1)
    per_device_train_batch_size: int = bounded(8, 1)
    per_device_eval_batch_size: int = bounded(8, 1)
    gradient_accumulation_steps: int = bounded(1, 1)
    global_batch_size: int | None = bounded(None, 1)
    auto_batch_size: bool = False
    warmup_steps: float = bounded(0.03, 0)
    lr_scheduler_type: Scheduler = Scheduler.cosine
    optim: str = "adamw_torch_fused"
    weight_decay: float = bounded(0.0, 0, 1)
    max_grad_norm: float = bounded(1.0, 0)
    max_length: int | None = bounded(None, 2)
    train_on: TrainOn = TrainOn.answers
    packing: bool = False
    group_by_length: bool = True
    gradient_checkpointing: bool | None = None
    logging_steps: int = bounded(10, 1)
    save_steps: int = bounded(500, 1)
    save_total_limit: int = bounded(2, 1)
    eval_steps: int | None = bounded(None, 1)
    eval_suites: list[str] = field(default_factory=list)
    eval_suites_every: int = only_with("eval_suites", bounded(1, 1))
    eval_samples: int = only_with("eval_suites", bounded(32, 1))
    metric_for_best_model: str | None = None
    load_best_model_at_end: bool = False
    early_stopping_patience: int | None = bounded(None, 1)
    early_stopping_threshold: float = only_with("keeps_best", bounded(0.0, 0), DECIDES)
    guards: Guards = field(default_factory=Guards)
    rehearsal: bool = True
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def keeps_best(self) -> bool:
        """Tell whether evaluations decide what is kept, or when it is enough."""
        return self.load_best_model_at_end or self.early_stopping_patience is not None

    def rows_per_step(self, processes: int) -> int:
        """Return the rows that one optimizer step takes from all processes."""
        return self.per_device_train_batch_size * processes * self.gradient_accumulation_steps

    def steps_per_epoch(self, rows: int, processes: int) -> int:
        """Return the optimizer steps that `rows` rows take; the last one may be partial."""
        return math.ceil(rows / self.rows_per_step(processes))

    @property
    def optimizer_bytes(self) -> float:
        """Return what the optimizer keeps of a trained weight, of a large tensor's."""
        return optimizer(self.optim).held([Tensor((1024, 1024))]) / (1 << 20)

    @property
    def package(self) -> str | None:
        """What has to be installed for it beyond the `train` extra's trainers."""
        return None

    def build(self, output_dir: Path, **facts: Any) -> "SFTConfig":
        """Return the library's own arguments: the named fields, the run's `facts`, then `extra`."""
        raise NotImplementedError


GROUP = Group("trainer", Trainer)


@GROUP.option("sft")
@dataclass
class Sft(Trainer):
    """Supervised fine-tuning on TRL's SFTTrainer."""

    passes_to: ClassVar[str] = "trl.SFTConfig"
    reserved: ClassVar[tuple[str, ...]] = (
        "output_dir",
        "disable_tqdm",
        "train_sampling_strategy",
        "eval_strategy",
        "greater_is_better",
        "seed",
        "use_cpu",
        "bf16",
        "fp16",
        "report_to",
        "project",
        "run_name",
        "padding_free",
        "loss_type",
        "dataset_text_field",
        "chat_template_path",
        "assistant_only_loss",
        "completion_only_loss",
        "trust_remote_code",
        "model_init_kwargs",
        "resume_from_checkpoint",
        "deepspeed",
        "fsdp",
        "fsdp_config",
        "parallelism_config",
        "local_rank",
        "do_train",
        "do_eval",
        "do_predict",
        "eos_token",
        "pad_token",
        "packing_strategy",
        "eval_packing",
        "truncation_mode",
        "dataset_kwargs",
        "dataset_num_proc",
        "shuffle_dataset",
    )

    def build(self, output_dir: Path, **facts: Any) -> "SFTConfig":
        """Return SFTConfig: the named fields, then the run's `facts`, then `extra`."""
        from trl import SFTConfig

        named = {
            name: getattr(self, name)
            for name in (
                "num_train_epochs",
                "max_steps",
                "per_device_train_batch_size",
                "per_device_eval_batch_size",
                "gradient_accumulation_steps",
                "warmup_steps",
                "optim",
                "weight_decay",
                "max_grad_norm",
                "logging_steps",
                "save_steps",
                "save_total_limit",
                "eval_steps",
            )
        }
        return SFTConfig(
            output_dir=str(output_dir),
            lr_scheduler_type=self.lr_scheduler_type.value,
            eval_strategy="steps" if self.eval_steps else "no",
            max_length=None,  # rows were cut, dropped or refused while preparing
            packing=False,  # PackedDataset has done it
            disable_tqdm=True,
            logging_nan_inf_filter=False,  # it hides NaN, and waits for the device at every batch
            train_sampling_strategy="group_by_length" if self.grouped else "random",
            **(named | facts | self.extra),
        )

    @property
    def package(self) -> str | None:
        """What the optimizer needs installed: bitsandbytes has the 8-bit and paged ones."""
        needs = any(word in self.optim for word in ("8bit", "paged", "bnb", "ademamix", "rmsprop"))
        return "bitsandbytes" if needs else None

    @property
    def grouped(self) -> bool:
        """Tell whether batches are made of rows of like length: packed rows already are."""
        return self.group_by_length and not self.packing
