"""How a model's logits come about, and their loss: only where a label is trained on."""

import inspect
import sys
from typing import Any, cast

import torch
from peft import PeftModel
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from trl.trainer.utils import add_fused_lm_head

from ftrecipe.stages.training.batches import IGNORED


class Head:
    """One way to logits, chosen once: TRL's fused kernel, supervised positions only, or all.

    fuses: the kernel is taken, which holds a few logits at a time.
    """

    def __init__(
        self, model: PreTrainedModel | PeftModel, device: torch.device, label_smoothing: float
    ) -> None:
        causal = model.get_base_model() if isinstance(model, PeftModel) else model
        self.label_smoothing = label_smoothing
        # With a large vocabulary logits outweigh the model: on CUDA, TRL's kernel holds a few only.
        self.fuses = device.type == "cuda" and label_smoothing == 0
        if self.fuses:
            add_fused_lm_head(cast(PreTrainedModel, causal), outputs=("log_probs",))
        self._selects = takes_logits_mask(causal) and not _adds_tokens(model)

    def summed_loss(
        self, model: nn.Module, inputs: dict[str, Any], labels: Tensor, all_logits: bool
    ) -> tuple[Any, Tensor]:
        """The model's output, and the cross-entropy summed over supervised `labels` [rows, length].

        all_logits: the output has the logits of every position.
        """
        if self.fuses and not all_logits:
            outputs = model(**inputs, labels=labels, fused_lm_head=True)
            return outputs, -outputs.log_probs.sum()
        targets = functional.pad(labels[:, 1:], (0, 1), value=IGNORED)
        supervised = targets != IGNORED
        if self._selects and not all_logits:
            outputs = model(**inputs, logits_to_keep=supervised)
            logits = outputs.logits
        else:
            outputs = model(**inputs)
            # Prompt tuning puts its tokens in front of ours.
            logits = outputs.logits[:, -targets.shape[1] :][supervised]
        total = functional.cross_entropy(
            logits.float(),
            targets[supervised],
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )
        return outputs, total


def supervised_tokens(labels: Tensor) -> Tensor:
    """The number of `labels` [rows, length] that are trained on: the first has none before it."""
    return (labels[:, 1:] != IGNORED).sum()


def takes_logits_mask(model: nn.Module) -> bool:
    """Whether `logits_to_keep` may be a boolean [rows, length]: known by transformers' own slice,
    which its models import; a model with older code of its own understands positions only."""
    accepts = "logits_to_keep" in inspect.signature(type(model).forward).parameters
    return accepts and "slice_logits_to_keep" in vars(sys.modules[type(model).__module__])


def _adds_tokens(model: nn.Module) -> bool:
    """Whether an adapter puts virtual tokens before the input, which shifts every position."""
    return isinstance(model, PeftModel) and model.active_peft_config.is_prompt_learning
