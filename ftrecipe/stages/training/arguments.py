"""The trainer's arguments: the recipe's fields, and what machine, method and strategy decide."""

import json
import os
from typing import Any

from ftrecipe.components.hardware import Device, Precision
from ftrecipe.components.model import Dtype
from ftrecipe.components.strategy.fsdp import FSDP_ON_CPU
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.peers import check_group, pretend_gpus


def arguments(session: Session) -> Any:
    """Return SFTConfig; making it joins the process group, which is checked.

    Raises StageError where the processes are not what the plan asked for.
    """
    run, found = session.run, session.models.found
    facts: dict[str, Any] = {
        "learning_rate": run.trainer.learning_rate or run.peft.usual_learning_rate,
        "seed": run.seed,
        "gradient_checkpointing": False,  # attach switches it on where it is wanted
        "report_to": "none",  # a process of its own tells the tracker
        "run_name": f"{session.name}/{session.dir.path.name}",
        "dataloader_pin_memory": found.device is Device.cuda,
    }
    facts |= precision(session) | share(session)
    args = run.trainer.build(session.dir.checkpoints, **facts)
    check_group(run.strategy, run.world_size, args)
    if run.world_size == 1:
        args._n_gpu = min(args.n_gpu, 1)  # else transformers spreads one process over all it sees
    return args


def precision(session: Session) -> dict[str, bool]:
    """Return what is computed in: where DeepSpeed has a file, as that says."""
    run, found = session.run, session.models.found
    if run.strategy.reads is not None:
        told = json.loads((session.dir.path / run.strategy.reads).read_text("utf-8"))
        return {name: told[name]["enabled"] for name in ("bf16", "fp16")}
    mixed = run.model.dtype is Dtype.auto
    on_gpu = found.device is Device.cuda
    return {
        "bf16": mixed and found.precision is Precision.bf16,
        "fp16": mixed and found.precision is Precision.fp16 and on_gpu,
    }


def share(session: Session) -> dict[str, Any]:
    """Return what concerns several processes."""
    run, found = session.run, session.models.found
    facts: dict[str, Any] = {
        # accelerate leaves FSDP out where the CPU is asked for.
        "use_cpu": found.device is Device.cpu and run.strategy.distributed_type != "FSDP",
        "ddp_find_unused_parameters": session.models.may_leave_unused,
    }
    if run.strategy.reads is not None:
        facts["deepspeed"] = str(session.dir.path / run.strategy.reads)
    if run.strategy.distributed_type == "FSDP" and FSDP_ON_CPU in os.environ:
        pretend_gpus()
        facts |= {"accelerator_config": {"use_configured_state": True}, "use_cpu": True}
    return facts
