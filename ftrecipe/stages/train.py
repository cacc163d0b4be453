"""Trains: the model as it starts, what the method adds to it, TRL's trainer, the saved result."""

import math
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import torch

from ftrecipe.components.hardware import Device, Precision
from ftrecipe.components.model import Dtype
from ftrecipe.errors import ConfigError, StageError, Stopped
from ftrecipe.stages.measuring.objective import objective
from ftrecipe.stages.screen import duration
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.batches import PackedCollator, PaddingCollator
from ftrecipe.stages.training.checkpoints import latest_valid
from ftrecipe.stages.training.following import Following
from ftrecipe.stages.training.packing import Documents, PackedDataset, token_counts
from ftrecipe.stages.training.sft import LeanSFTTrainer


def train(session: Session) -> None:
    """Train from the last good checkpoint, or from the start; save what was learned."""
    rows = training_rows(session)
    steps = total_steps(len(rows), session)
    checkpoint = latest_valid(session.dir.checkpoints, session.screen)
    model = attach(session, steps)
    trainer, following = make_trainer(session, model, rows, steps, checkpoint)
    with following:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if session.stop.requested and trainer.state.global_step < steps:
        raise Stopped(f"stopped at step {trainer.state.global_step} of {steps}")
    session.screen.say(
        f"train     {trainer.state.global_step} steps in {duration(following.seconds)}, "
        f"mean loss {following.loss:.4f}, {following.tokens / following.seconds:,.0f} tokens/s"
    )
    save(session, model)
    session.models.tuned = model
    session.record(train=measured(session, model, trainer, following))
    if not session.run.eval:
        session.record(objective=objective(session))


def training_rows(session: Session) -> Documents:
    """Return the training split, packed where that was asked for."""
    rows = session.prepared.train()
    if rows is None:
        raise ConfigError("the train split is empty; see dataset.split")
    if not session.run.trainer.packing:
        return rows
    return PackedDataset(rows, capacity=row_capacity(session, rows), seed=session.run.seed)


def row_capacity(session: Session, rows: Documents) -> int:
    """Return the tokens of a packed row: `max_length`, or the longest document."""
    return session.run.trainer.max_length or max(token_counts(rows))


def total_steps(rows: int, session: Session) -> int:
    """Return the optimizer steps of the whole run, as the trainer will count them."""
    trainer = session.run.trainer
    if trainer.max_steps > 0:
        return trainer.max_steps
    return math.ceil(trainer.num_train_epochs * max(1, trainer.steps_per_epoch(rows)))


def attach(session: Session, steps: int) -> Any:
    """Return the starting model with what the method trains; checks that something is trained."""
    run, models = session.run, session.models
    torch.manual_seed(run.seed)
    model = models.start
    models.remember_base()
    if not hasattr(model, "peft_config"):
        model = run.peft.attach(model, steps, models.new_tokens())
    if checkpointing(session):
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    if run.peft.mutates_base:
        _save_initial(session, model)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise StageError("this method trains no weight of this model")
    return model.train()


def checkpointing(session: Session) -> bool:
    """Tell whether activations are recomputed: as asked, else only where memory calls for it."""
    asked = session.run.trainer.gradient_checkpointing
    if asked is not None:
        return asked
    if session.models.found.device is not Device.cuda or not session.run.peft.allows_checkpointing:
        return False
    return not session.models.activations_fit(session.run.trainer, longest(session))


def longest(session: Session) -> int:
    """Return the length of the longest training row in tokens."""
    rows = session.prepared.train()
    return max(token_counts(rows)) if rows is not None else 0


def make_trainer(
    session: Session, model: Any, rows: Documents, steps: int, checkpoint: Path | None
) -> tuple[LeanSFTTrainer, Following]:
    """Return the trainer and what follows it."""
    following = Following(session, rows, steps, checkpoint)
    packing = session.run.trainer.packing
    pad = session.pad_token_id
    multiple = 8 if session.models.found.device is Device.cuda else 1
    flatten = packing and "flash" in (session.run.model.attn_implementation or "")
    collator = (
        PackedCollator(pad, flatten=flatten)
        if packing
        else PaddingCollator(pad, multiple, attention_mask=_balances_experts(model))
    )
    trainer = LeanSFTTrainer(
        model=model,
        args=arguments(session),
        train_dataset=rows,
        eval_dataset=session.prepared.validation() if session.run.trainer.eval_steps else None,
        processing_class=session.tokenizer,
        data_collator=following.counting(collator),
        callbacks=[following, *session.run.peft.callbacks()],
    )
    return trainer, following


def _balances_experts(model: Any) -> bool:
    """Tell a mixture of experts, whose balancing loss has to know which tokens are padding."""
    return hasattr(model.config.get_text_config(), "router_aux_loss_coef")


def arguments(session: Session) -> Any:
    """Return SFTConfig: the recipe's fields with what the machine and the method decide."""
    run, found = session.run, session.models.found
    mixed = run.model.dtype is Dtype.auto
    facts = {
        "learning_rate": run.trainer.learning_rate or run.peft.usual_learning_rate,
        "seed": run.seed,
        "use_cpu": found.device is Device.cpu,
        "bf16": mixed and found.precision is Precision.bf16,
        "fp16": mixed and found.precision is Precision.fp16 and found.device is Device.cuda,
        "gradient_checkpointing": False,  # attach has switched it on where it is wanted
        "report_to": run.tracking.report_to,
        "project": run.tracking.project,
        "run_name": f"{session.name}/{session.dir.path.name}",
        "dataloader_pin_memory": found.device is Device.cuda,
    }
    return run.trainer.build(session.dir.checkpoints, **facts)


def save(session: Session, model: Any) -> None:
    """Write adapter/ or model/, whole or not at all."""
    final = session.dir.model if session.run.peft.trains_base else session.dir.adapter
    fresh = final.with_name(f".{final.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    extra = {}
    if session.run.peft.mutates_base:
        extra["path_initial_model_for_weight_conversion"] = str(_initial(session))
    model.save_pretrained(fresh, **extra)
    session.tokenizer.save_pretrained(fresh)
    shutil.rmtree(final, ignore_errors=True)
    fresh.replace(final)
    shutil.rmtree(_initial(session), ignore_errors=True)


def _initial(session: Session) -> Path:
    return session.dir.path / "initial_adapter"  # PEFT makes a module name of it: no dot


def _save_initial(session: Session, model: Any) -> None:
    """Keep the adapter as it started, so that the result can be written as plain LoRA."""
    config = model.peft_config["default"]
    asked, config.init_lora_weights = config.init_lora_weights, True
    model.save_pretrained(_initial(session))
    config.init_lora_weights = asked


def measured(
    session: Session, model: Any, trainer: LeanSFTTrainer, following: Following
) -> dict[str, Any]:
    """Return what metrics.json says of the training."""
    if not math.isfinite(following.loss):
        raise StageError(f"the training loss is {following.loss}; lower trainer.learning_rate")
    return {
        "loss": following.loss,
        "steps": trainer.state.global_step,
        "resumed_from_step": following.first,
        "epochs": trainer.state.epoch,
        "seconds": following.seconds + following.before["seconds"],
        "tokens": round(following.tokens + following.before["tokens"]),
        "tokens_per_second": following.tokens / following.seconds,
        "steps_per_second": following.steps / following.seconds,
        "first_step_at": following.first_step_at,
        "peak_memory_bytes": peak_memory(session),
        "trainable_parameters": sum(w.numel() for w in model.parameters() if w.requires_grad),
        "parameters": sum(w.numel() for w in model.parameters()),
        "processes": trainer.accelerator.num_processes,
        "device": session.models.found.name,
        "precision": session.models.found.precision.value,
        "ended": time.time(),
    }


def peak_memory(session: Session) -> int:
    """Return the most bytes in use so far: of the GPU, or of this process on a CPU."""
    if session.models.found.device is Device.cuda:
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
