"""Trains: the model as it starts, what the method adds to it, TRL's trainer, the saved result."""

import resource
import sys
import time
from typing import Any, cast

import torch
from transformers.trainer_pt_utils import get_model_param_count

from ftrecipe.amounts import duration
from ftrecipe.best import is_enough
from ftrecipe.components.hardware import Device
from ftrecipe.errors import ConfigError, StageError, Stopped
from ftrecipe.manifest import divided_by
from ftrecipe.rundir import read_json
from ftrecipe.stages.locking import lock_run
from ftrecipe.stages.measuring.objective import judged
from ftrecipe.stages.session import Session
from ftrecipe.stages.surroundings import give_back
from ftrecipe.stages.training.arguments import arguments
from ftrecipe.stages.training.attaching import attach
from ftrecipe.stages.training.batches import PackedCollator, PaddingCollator
from ftrecipe.stages.training.best import Best
from ftrecipe.stages.training.exhaustion import place_of, told
from ftrecipe.stages.training.following import Following, logged
from ftrecipe.stages.training.guards import Watch
from ftrecipe.stages.training.packing import Documents
from ftrecipe.stages.training.peers import Peers, check_accelerator
from ftrecipe.stages.training.rehearsal import Rehearsal
from ftrecipe.stages.training.resuming import find_start
from ftrecipe.stages.training.rows import total_steps, training_rows, validation_rows
from ftrecipe.stages.training.sampled import Sampled, lacks
from ftrecipe.stages.training.saving import save
from ftrecipe.stages.training.sft import LeanSFTTrainer
from ftrecipe.stages.training.trackers import Tracker

Trained = tuple[Session, LeanSFTTrainer, Following, Best]


def train(session: Session) -> None:
    """Train from the last good checkpoint, or from the start; save what was learned."""
    rows = training_rows(session)
    steps = total_steps(len(rows), session)
    taken = steps_taken(session)
    if taken >= steps or (taken and ended_early(session)):
        early = "" if taken >= steps else ", and it was enough"
        session.screen.say(f"train     {taken} steps were taken before{early}: nothing to train")
        return
    if wrong := list(lacks(session)):
        raise ConfigError(wrong)
    with Tracker(session) as tracker:
        finish(*trained(session, rows, steps, tracker))


def steps_taken(session: Session) -> int:
    """Return the steps of a training that has ended and left its result, 0 where none has."""
    left = session.dir.model.is_dir() or session.dir.adapter.is_dir()
    if not left or not session.dir.metrics.is_file():
        return 0
    return read_json(session.dir.metrics).get("train", {}).get("steps", 0)


def trained(session: Session, rows: Documents, steps: int, tracker: Tracker) -> Trained:
    """Train up to `steps`, or as long as there are gains. Raises Stopped if that was asked for."""
    session.models.check_method()
    args = arguments(session)  # before weights are loaded: DeepSpeed divides them on the way
    peers = Peers(session.rank.world)
    start = find_start(session, peers, args, steps)
    model = attach(session, steps, peers)
    following = Following(session, rows, steps, start.checkpoint, peers)
    trainer = make_trainer(session, model, rows, args, following)
    trainer.add_callback(tracker)
    lock_run(session)
    trainer.basis, trainer.reschedules = start.basis.plain(), start.reschedules
    following.watch, best = Watch(session, peers, trainer), Best(session, peers)
    trainer.judge, trainer.beside = best, Sampled(session, peers, trainer, following.pause)
    with following, told(lambda: place_of(trainer, session.run)):
        trainer.train(resume_from_checkpoint=str(start.checkpoint) if start.checkpoint else None)
    if session.stop.requested and trainer.state.global_step < steps and not best.stopped:
        raise Stopped(f"stopped at step {trainer.state.global_step} of {steps}")
    return session, trainer, following, best


def ended_early(session: Session) -> bool:
    """Tell whether a training ended early, and would do so again with what is asked for now."""
    told = read_json(session.dir.metrics).get("train", {})
    return told.get("stopped_early", False) and is_enough(logged(session.dir.history), session.run)


def finish(session: Session, trainer: LeanSFTTrainer, following: Following, best: Best) -> None:
    """Save what was learned and write down what it took."""
    session.screen.say(
        f"train     {trainer.state.global_step} steps in {duration(following.seconds)}, "
        f"mean loss {following.loss:.4f}, {following.tokens / following.seconds:,.0f} tokens/s"
    )
    kept = best.restore(trainer)
    if not following.watch.weights_are_sound():
        raise StageError(
            "trained weights are NaN or infinite: no result is saved; lower trainer.learning_rate"
        )
    save(session, trainer)
    if session.rank.world == 1 and not session.rank.launched:
        session.models.tuned = trainer.model
    taken = measured(session, trainer, following) | kept
    if session.rank.first:
        session.record(train=taken)
        if not session.run.eval:
            session.record(**judged(session.run, session.dir))
    following.peers.wait()  # nobody leaves, and ends the others, before all is written
    if session.rank.world == 1:
        release(trainer)


def release(trainer: LeanSFTTrainer) -> None:
    """Let go of gradients, optimizer states and accelerate's autocast around the model: what is
    measured next needs their memory, and is to be as if the result had been loaded."""
    trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    cast(torch.nn.Module, trainer.model).zero_grad(set_to_none=True)
    trainer.optimizer = trainer.lr_scheduler = None
    trainer.accelerator.free_memory()
    give_back()


def make_trainer(
    session: Session, model: Any, rows: Documents, args: Any, following: Following
) -> LeanSFTTrainer:
    """Return the trainer, told to whoever follows it; checks what accelerate has made of it."""
    packing = session.run.trainer.packing
    pad = session.pad_token_id
    multiple = 8 if session.models.found.device is Device.cuda else 1
    flatten = packing and "flash" in (session.run.model.attn_implementation or "")
    collator = (
        PackedCollator(pad, flatten=flatten)
        if packing
        else PaddingCollator(pad, multiple, attention_mask=session.models.balances_experts)
    )
    rehearsal = Rehearsal(session, following.peers)
    trainer = LeanSFTTrainer(
        model=model,
        args=args,
        train_dataset=rows,
        eval_dataset=validation_rows(session),
        processing_class=session.tokenizer,
        data_collator=following.counting(collator),
        eval_collator=collator,
        callbacks=[rehearsal, following, *session.run.peft.callbacks()],
    )
    rehearsal.trainer = trainer
    trainer.divided = divided_by(session.run.strategy)
    trainer.keeper.warn = session.screen.warn
    trainer.divides_weights = session.run.strategy.shards_weights
    check_accelerator(session.run.strategy, session.run.world_size, trainer.accelerator)
    return trainer


def measured(session: Session, trainer: LeanSFTTrainer, following: Following) -> dict[str, Any]:
    """Return what metrics.json says of the training, over all processes."""
    model: Any = trainer.model
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
        "peak_memory_bytes": round(following.peers.most(peak_memory(session))),
        "trainable_parameters": get_model_param_count(model, trainable_only=True),
        "parameters": get_model_param_count(model),
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
