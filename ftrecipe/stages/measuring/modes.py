"""A loaded model while it is measured: without dropout or gradients, and afterwards as it was."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from peft import PeftModel
from transformers import PreTrainedModel

Model = PreTrainedModel | PeftModel


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Switch dropout and gradients off, and the mode back afterwards.

    Not inference mode: the same model is trained next, and what its modules keep from inference
    mode (rotary tables, quantization state) cannot be saved for a backward pass.
    """
    was_training = model.training
    keep_trainable(model)
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def keep_trainable(model: torch.nn.Module) -> None:
    """Bar bitsandbytes from repacking 4-bit weights in evaluation mode on a CPU with AVX512-BF16.

    The repacked layers have no backward pass, so later training would silently lose gradients.
    """
    library = sys.modules.get("bitsandbytes")
    if library is not None:
        layers = (each for each in model.modules() if isinstance(each, library.nn.Linear4bit))
        for layer in cast(Iterator[Any], layers):
            layer.support_avx512bf16_for_cpu = False


def base_of(model: Model) -> PreTrainedModel:
    """Return the transformers model, below the adapter if there is one."""
    return cast(PreTrainedModel, model.get_base_model() if isinstance(model, PeftModel) else model)
