"""Writes what was trained: adapter/ or model/, gathered from all processes, whole or not at all."""

import shutil
from pathlib import Path
from typing import Any, cast

from safetensors.torch import load_file

from ftrecipe.errors import StageError
from ftrecipe.model_folder import ADAPTER_WEIGHTS
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.sft import LeanSFTTrainer
from ftrecipe.stages.writing import is_unwritten, put, why


def save(session: Session, trainer: LeanSFTTrainer) -> None:
    """Write the result; every process gives its part, and the first one writes."""
    model: Any = trainer.accelerator.unwrap_model(trainer.model_wrapped)
    state = gathered(trainer)
    if not session.rank.first:
        return
    final = session.dir.model if session.run.peft.trains_base else session.dir.adapter
    fresh = final.with_name(f".{final.name}")
    shutil.rmtree(fresh, ignore_errors=True)
    extra: dict[str, Any] = {} if state is None else {"state_dict": state}
    if session.run.peft.mutates_base:
        extra["path_initial_model_for_weight_conversion"] = str(initial_adapter(session))
        if state is not None:
            state |= initial_weights(session)
    try:
        model.save_pretrained(fresh, **extra)
        session.tokenizer.save_pretrained(fresh)
        put(fresh, final)
    except Exception as error:  # tokenizers raises nothing more exact
        shutil.rmtree(fresh, ignore_errors=True)
        if not is_unwritten(error):
            raise
        raise StageError(
            f"the result could not be saved: {why(error, session.dir.path)}; the checkpoints are "
            "kept: make room, and resume the run"
        ) from error
    shutil.rmtree(initial_adapter(session), ignore_errors=True)


def gathered(trainer: LeanSFTTrainer) -> dict[str, Any] | None:
    """Return the weights of all processes together, None where each holds them all anyway.

    Of an adapter under ZeRO-3, only the trained weights: the rest need not be gathered.
    """
    if not trainer.divides_weights:
        return None
    model: Any = trainer.model_wrapped
    if trainer.is_deepspeed_enabled:
        return model._zero3_consolidated_16bit_state_dict(
            exclude_frozen_parameters=hasattr(trainer.model, "peft_config")
        )
    state = cast(dict[str, Any], trainer.accelerator.get_state_dict(model))
    if not hasattr(model, "peft_config"):
        for name in model.all_tied_weights_keys:
            state.pop(name, None)  # the same weights by a second name
    return state


def keep_initial(session: Session, model: Any) -> None:
    """Keep the adapter as it started, so that the result can be written as plain LoRA."""
    config = model.peft_config["default"]
    asked, config.init_lora_weights = config.init_lora_weights, True
    model.save_pretrained(initial_adapter(session))
    config.init_lora_weights = asked


def initial_weights(session: Session) -> dict[str, Any]:
    """Return the adapter as it started, by the names under which PEFT looks for it."""
    folder = initial_adapter(session)
    return {
        name.removeprefix("base_model.").replace(".weight", f".{folder.name}.weight"): weight
        for name, weight in load_file(folder / ADAPTER_WEIGHTS).items()
    }


def initial_adapter(session: Session) -> Path:
    """Return the folder for it; PEFT makes a module name of it: no dot."""
    return session.dir.path / "initial_adapter"
