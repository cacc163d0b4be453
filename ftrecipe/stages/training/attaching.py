"""The model as training begins: the starting model with what the method adds to it."""

from typing import Any

import torch

from ftrecipe.components.hardware import Device
from ftrecipe.errors import StageError
from ftrecipe.stages.placing import training_fits
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.peers import Peers
from ftrecipe.stages.training.rows import longest
from ftrecipe.stages.training.saving import keep_initial


def attach(session: Session, steps: int, peers: Peers) -> Any:
    """Return the starting model with what the method trains; checks that something is trained."""
    run, models = session.run, session.models
    torch.manual_seed(run.seed)
    model = models.start
    models.remember_base()
    if not hasattr(model, "peft_config"):
        model = run.peft.attach(model, steps, models.new_tokens())
    if run.strategy.zero_stage == 3:
        one_dtype(model)
    if peers.any(checkpointing(session)):  # one that gathers weights again needs all the others
        # Recomputed without re-entering, ZeRO-3 finds weights of an adapted layer divided again.
        again = {"use_reentrant": run.strategy.zero_stage == 3}
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=again)
        model.enable_input_require_grads()
    if run.peft.mutates_base and session.rank.first:
        keep_initial(session, model)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise StageError("this method trains no weight of this model")
    return model.train()


def one_dtype(model: Any) -> None:
    """Give an adapter the base's dtype: ZeRO-3 gathers weights of one dtype only.

    Its optimizer keeps 32 bits of every trained weight beside them.
    """
    dtype = next(w.dtype for w in model.parameters() if w.is_floating_point())
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.to(dtype)


def checkpointing(session: Session) -> bool:
    """Tell whether activations are recomputed: as asked, else only where memory calls for it."""
    asked = session.run.trainer.gradient_checkpointing
    if asked is not None:
        return asked
    if session.models.found.device is not Device.cuda or not session.run.peft.allows_checkpointing:
        return False
    return not training_fits(session.run, longest(session))
