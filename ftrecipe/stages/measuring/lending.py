"""Puts an earlier run's adapter on a base that is loaded already, and takes it off exactly."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ftrecipe.errors import StageError
from ftrecipe.model_folder import ADAPTER_CONFIG
from ftrecipe.rundir import RunDir
from ftrecipe.stages.models import Models

EXTRAS = ("modules_to_save", "trainable_token_indices")  # what replaces weights of the base


def may_borrow(theirs: Models, base: Models) -> bool:
    """Tell whether an earlier run's adapter stands on the very model that `base` starts from."""
    method = theirs.run.peft
    return (
        theirs.dir.adapter.is_dir()
        and theirs.earlier is None
        and base.earlier is None
        and not (method.trains_base or method.mutates_base or method.prompt_learning)
        and not _replaces(theirs.dir)
        and theirs.fingerprint == base.fingerprint
    )


def _replaces(rundir: RunDir) -> bool:
    config = json.loads((rundir.adapter / ADAPTER_CONFIG).read_text("utf-8"))
    return any(config.get(name) for name in EXTRAS)


@contextmanager
def lent(base: Any, adapter: Path) -> Iterator[Any]:
    """Give the base with an adapter on it; afterwards it is as it was, to the last bit.

    The adapter is never merged, so that no weight is written; modules, flags and what PEFT notes
    on the model are put back. Raises StageError if a weight is not the same afterwards.
    """
    from peft import PeftModel

    weights = dict(base.named_parameters())
    places = {name: weight.data_ptr() for name, weight in weights.items()}
    trains = {name: weight.requires_grad for name, weight in weights.items()}
    modes = [(module, module.training) for module in base.modules()]
    noted = set(vars(base))
    tuned = PeftModel.from_pretrained(base, adapter)
    try:
        yield tuned
    finally:
        tuned.unload()
        for name in set(vars(base)) - noted:
            delattr(base, name)
        for module, mode in modes:
            module.training = mode
        now: dict[str, torch.nn.Parameter] = dict(base.named_parameters())
        for name, weight in now.items():
            weight.requires_grad_(trains.get(name, True))
        if {name: weight.data_ptr() for name, weight in now.items()} != places:
            raise StageError(f"{adapter}: the adapter could not be taken off the base again")
