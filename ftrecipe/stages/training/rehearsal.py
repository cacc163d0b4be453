"""Rehearses, before the first step, the batches that need the most memory; leaves no trace."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ftrecipe.components.hardware import Device
from ftrecipe.stages.measuring.first_batch import FirstBatch, try_first_batch
from ftrecipe.stages.measuring.modes import base_of
from ftrecipe.stages.measuring.own_data import data_of
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.blank import unfilled
from ftrecipe.stages.training.exhaustion import (
    recomputes,
    smaller_evaluation,
    smaller_training,
    told,
)
from ftrecipe.stages.training.head import supervised_tokens
from ftrecipe.stages.training.heaviest import COVERED, Scale, Weights
from ftrecipe.stages.training.packing import Documents, token_counts
from ftrecipe.stages.training.peers import Peers
from ftrecipe.stages.training.sampled import sampled
from ftrecipe.stages.training.sft import LeanSFTTrainer
from ftrecipe.stages.training.unchanged import unchanged


class Rehearsal(TrainerCallback):
    """What will run out of memory in an hour does so now, with the batch named.

    trainer: the one whose batches are rehearsed; set once there is one.
    """

    trainer: LeanSFTTrainer

    def __init__(self, session: Session, peers: Peers) -> None:
        self.session, self.peers = session, peers
        self.device = session.models.found.device

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Rehearse what is worth it, with all that a step does not give back in its place."""
        if not self.session.run.trainer.rehearsal:
            return
        began = time.monotonic()
        with unchanged(cast(nn.Module, self.trainer.model)), self._states():
            done = [self._training(state.global_step + 1), self._evaluation(), self._suites()]
        if self.device is Device.cuda:
            torch.cuda.empty_cache()
        said = "; ".join(filter(None, done)) or "the first step has the heaviest batch"
        print(f"rehearsal {said} ({time.monotonic() - began:.2f} s)", flush=True)  # to the log

    def _training(self, step: int) -> str:
        """Take the heaviest batch forward and backward, unless this step's first one is as heavy.

        On a GPU it is always taken: in its first step, the optimizer has no states yet.
        """
        if self.trainer.is_deepspeed_enabled:
            return ""  # its engine counts backward passes, and reduces gradients within them
        rows = unfilled(self.trainer.train_dataset)
        weights = Weights(rows, self._scale())
        heaviest = weights.heaviest(self.session.run.trainer.per_device_train_batch_size)
        first = max(map(weights.batch, self.trainer.share.rows(step)), default=0.0)
        light = first < COVERED * weights.batch(heaviest)
        if not self.peers.any(light or self.device is Device.cuda):
            return ""
        batch = self.trainer.eval_collator([rows[row] for row in heaviest])
        said, longest = f"a training batch of {_shape(batch)}", weights.lengths[heaviest[0]]
        way = smaller_training(self.session.run, longest, recomputes(self._bare()))
        with told(lambda: f"{said}, rehearsed before the first step; {way}"):
            self.trainer.rehearse_step(batch)
        return said

    def _evaluation(self) -> str:
        """Take the longest validation rows forward."""
        rows = self.trainer.eval_dataset
        if rows is None:
            return ""
        rows = unfilled(cast(Documents, rows))
        lengths = token_counts(rows)
        longest = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
        count = self.session.run.trainer.per_device_eval_batch_size
        batch = self.trainer.eval_collator([rows[row] for row in longest[:count]])
        said = f"a validation batch of {_shape(batch)}"
        way = smaller_evaluation(self.session.run)
        with told(lambda: f"{said}, rehearsed before the first step; {way}"):
            cast(nn.Module, self.trainer.model).eval()
            self.trainer.mean_loss(batch)
        return said

    def _suites(self) -> str:
        """Have the heaviest batch of each suite computed that nothing was asked of the base for.

        Those that are measured while training are rehearsed in any case. Where training has
        processes of its own, the others run elsewhere, with memory for themselves.
        On a CPU their batches take seconds, and are kept small by a budget of tokens.
        """
        session = self.session
        fresh = {n: one for n, one in session.run.eval.items() if n not in session.measured}
        fresh = ({} if session.rank.launched else fresh) | sampled(session.run)
        if self.device is not Device.cuda or not fresh:
            return ""
        subject = FirstBatch(self._bare(), session.tokenizer, session.prepared)
        for name, suite in fresh.items():
            with told(lambda name=name: f"the first batch of eval={name}, rehearsed before the "
                      f"first step; use a smaller eval.{name}.batch_size"):  # fmt: skip
                try_first_batch(suite, subject.on(data_of(session, name)))
        return f"a batch of {', '.join(fresh)}"

    def _bare(self) -> Any:
        return self.trainer.accelerator.unwrap_model(self.trainer.model_wrapped)

    def _scale(self) -> Scale:
        model = self._bare()
        config = base_of(model).config.get_text_config()
        return Scale.of(config, recomputes(model), not self.trainer.head.fuses)

    @contextmanager
    def _states(self) -> Iterator[None]:
        """Hold as much GPU memory as the optimizer's states will take; they come with step 1."""
        optimizer, room = cast(Any, self.trainer.optimizer), None
        if self.device is Device.cuda and not optimizer.state:
            count = sum(weight.numel() for weight in self.trainer.trained())
            size = round(count * self.session.run.trainer.optimizer_bytes)
            place = f"the optimizer's states of {count:,} trained weights"
            with told(lambda: f"{place}; use peft=lora, or trainer.optim=paged_adamw_8bit"):
                room = torch.empty(size, dtype=torch.uint8, device=self.trainer.args.device)
        yield
        del room


def _shape(batch: dict[str, Any]) -> str:
    rows, width = batch["input_ids"].shape
    trained = int(supervised_tokens(batch["labels"]))
    return f"{rows:,} rows x {width:,} tokens ({trained:,} trained on)"
