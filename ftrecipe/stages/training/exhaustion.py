"""Says of memory that ran out in which batch it did, and what makes that batch smaller."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch

from ftrecipe.config import RunConfig
from ftrecipe.errors import StageError
from ftrecipe.stages.measuring.modes import base_of
from ftrecipe.stages.training.blank import unfilled
from ftrecipe.stages.training.sft import LeanSFTTrainer

ON_A_CPU = "DefaultCPUAllocator"


@contextmanager
def told(place: Callable[[], str]) -> Iterator[None]:
    """Raise StageError, with the `place` where it was, for memory that runs out meanwhile."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        raise StageError(f"out of memory in {place()}") from error


def ran_out(error: BaseException) -> bool:
    """Tell whether an error is that memory could not be had, of a GPU or of the machine."""
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or ON_A_CPU in str(error)


def place_of(trainer: LeanSFTTrainer, run: RunConfig) -> str:
    """Say what a training was at, and what would lessen it."""
    step, model = trainer.state.global_step, cast(Any, trainer.model)
    if not model.training:
        return f"the evaluation at step {step}; {smaller_evaluation(run)}"
    done, batches = len(trainer.step_losses), trainer.share.rows(step + 1)
    if done >= len(batches):
        return f"the optimizer's step {step + 1}; use peft=lora, or trainer.optim=adamw_8bit"
    lengths = [len(unfilled(trainer.train_dataset)[row]["input_ids"]) for row in batches[done]]
    longest = max(lengths, default=0)
    return (
        f"step {step + 1}, in a batch of {len(lengths):,} rows, the longest of {longest:,} tokens; "
        f"{smaller_training(run, longest, recomputes(model))}"
    )


def recomputes(model: Any) -> bool:
    """Tell whether a model keeps no activations, and computes them again."""
    return base_of(model).is_activation_checkpointing


def smaller_training(run: RunConfig, longest: int, recomputing: bool) -> str:
    """Return what would lessen a training batch's memory, by what this run has not done yet."""
    trainer, rows = run.trainer, run.trainer.per_device_train_batch_size
    ways = []
    if rows > 1:
        steps = trainer.gradient_accumulation_steps * 2
        ways.append(
            f"trainer.per_device_train_batch_size={rows // 2} with "
            f"trainer.gradient_accumulation_steps={steps}"
        )
    if not recomputing and run.peft.allows_checkpointing:
        ways.append("trainer.gradient_checkpointing=true")
    if not run.peft.trains_base and run.quantization.bits == 16:
        ways.append("quantization=nf4")
    if run.peft.trains_base:
        ways.append("peft=lora")
    ways.append(f"trainer.max_length below {longest}")
    return f"use {', '.join(ways[:-1])}{' or ' if ways[:-1] else ''}{ways[-1]}"


def smaller_evaluation(run: RunConfig) -> str:
    """Return what would lessen a validation batch's memory."""
    rows = run.trainer.per_device_eval_batch_size
    return (
        f"use trainer.per_device_eval_batch_size={rows // 2}"
        if rows > 1
        else "shorten the validation rows (trainer.max_length), or leave trainer.eval_steps out"
    )
