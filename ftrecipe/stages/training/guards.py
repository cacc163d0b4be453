"""Watches every step's losses and gradients, and stops or warns with the step and its rows."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.tensor import DTensor

from ftrecipe.components.trainer.guards import Action
from ftrecipe.errors import StageError
from ftrecipe.manifest import step_of
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.gap import gaps, grown
from ftrecipe.stages.training.origins import named, origins, trained_tokens
from ftrecipe.stages.training.peers import Peers
from ftrecipe.stages.training.readings import Gauge, Reading
from ftrecipe.stages.training.sft import LeanSFTTrainer

TOLD = 3  # warnings of one kind that are shown; more of them only go to the log


@dataclass(frozen=True)
class Sign:
    """One thing that is looked for in a reading.

    guard: the field of `trainer.guards` that says what follows.
    seen: whether this process sees it; `everywhere`, it counts only if all of them do.
    batches: which micro-batches of the step are to blame, by their losses; None: any may be.
    """

    guard: str
    seen: Callable[[Reading], bool]
    said: str
    advice: str
    everywhere: bool = False
    batches: Callable[[float], bool] | None = None


def _broken(loss: float) -> bool:
    return not math.isfinite(loss)


SIGNS = (
    Sign(
        "nan_loss", lambda reading: any(map(_broken, reading.losses)), "the loss is {loss}",
        "lower trainer.learning_rate or raise trainer.warmup_steps; at the very first step, look "
        "at the model's weights and at these rows", batches=_broken,
    ),
    Sign(
        "nan_gradients",
        lambda reading: reading.norm is not None and _broken(reading.norm) and not reading.skipped,
        "the gradients are {norm}",
        "lower trainer.learning_rate, or compute in more bits: hardware.precision=bf16 or fp32",
    ),
    Sign(
        "zero_loss", lambda reading: reading.loss == 0.0, "the loss is exactly 0 with {tokens}",
        "where no token is trained on, look at trainer.train_on and at these rows; else the model "
        "knows these rows by heart: train fewer steps, on more rows", everywhere=True,
    ),
    Sign(
        "zero_gradients", lambda reading: reading.norm == 0.0 and not reading.skipped,
        "every gradient is exactly 0: nothing is learned",
        "look at what this method trains (peft.target_modules), and with fp16 use "
        "hardware.precision=bf16", everywhere=True,
    ),
)  # fmt: skip


class Watch:
    """Looks at each step once it can be seen without waiting; all processes come to one verdict.

    Before anything is saved, logged or evaluated, the step that has just ended is waited for: no
    checkpoint comes after a fault.
    """

    def __init__(self, session: Session, peers: Peers, trainer: LeanSFTTrainer) -> None:
        self.session, self.peers, self.trainer = session, peers, trainer
        self.actions: dict[str, Any] = vars(session.run.trainer.guards)
        self.gauge = Gauge()
        self.readings: list[Reading] = []
        self.told = Counter[str]()

    def signs(self, step: int, at_once: bool) -> list[float]:
        """Take in the step that has ended; return what this process sees, for `most_of` them."""
        losses, norm = self.trainer.step_losses, self.trainer.grad_norm
        skipped = self.trainer.accelerator.optimizer_step_was_skipped
        self.gauge.put(step, losses, norm, skipped)
        self.trainer.step_losses = []
        self.readings = self.gauge.take(at_once)
        return self._flags()

    def rest(self) -> list[float]:
        """Do as `signs` does, for steps that are still on their way."""
        self.readings = self.gauge.take(at_once=True)
        return self._flags()

    def _flags(self) -> list[float]:
        """Two slots, since two readings may arrive at once, of one flag a sign."""
        slots = [*self.readings, None, None][:2]
        return [
            float(reading is not None and sign.seen(reading) != sign.everywhere)
            for reading in slots
            for sign in SIGNS
        ]

    def judge(self, most: Sequence[float]) -> None:
        """Stop or warn by what all processes see. Raises StageError, in all of them, to stop."""
        for slot, reading in enumerate(self.readings):
            flags = most[slot * len(SIGNS) : (slot + 1) * len(SIGNS)]
            for sign, flag in zip(SIGNS, flags, strict=True):
                action = self.actions[sign.guard]
                if bool(flag) != sign.everywhere and action is not Action.ignore:
                    self._act(action, sign.guard, self._words(sign, reading))
                    break  # one fault brings the others along

    def evaluated(self, history: list[dict[str, Any]], metrics: Mapping[str, float]) -> None:
        """Look at an evaluation: its loss, and how the gap to the training loss went."""
        loss, step = metrics["eval_loss"], self.trainer.state.global_step
        if _broken(loss):
            self._act_on("nan_loss", f"the validation loss is {loss} at step {step}; lower "
                         "trainer.learning_rate, and look at the validation rows")  # fmt: skip
        count, found = self.actions["gap_evaluations"], gaps(history)
        if grown(found, count):
            sizes = " → ".join(f"{gap.size:.3g}" for gap in found[-count - 1 :])
            self._act_on(
                "growing_gap",
                f"validation loss moves away from training loss, {count} evaluations in a row by "
                f"step {step}: {sizes} (now {found[-1].train:.3g} in training, {loss:.3g} in "
                "validation); the model learns its rows by heart: train fewer steps, lower "
                "trainer.learning_rate, or add rows",
            )

    def before_saving(self) -> None:
        """Look at the weights themselves: a step may break them with a sound loss and gradient."""
        if not self.weights_are_sound():
            step = self.trainer.state.global_step
            self._act_on(
                "nan_loss", f"trained weights are NaN or infinite after step {step}; lower "
                "trainer.learning_rate",
            )  # fmt: skip

    def weights_are_sound(self) -> bool:
        """Tell whether every trained weight is finite, in all processes."""
        return not self.peers.any(not all(map(_finite, self.trainer.trained())))

    def _act_on(self, guard: str, words: str) -> None:
        if self.actions[guard] is not Action.ignore:
            self._act(self.actions[guard], guard, words)

    def _act(self, action: Action, guard: str, words: str) -> None:
        if action is Action.stop:
            raise StageError(
                f"{words}{self._kept()} (trainer.guards.{guard}=warn goes on all the same)"
            )
        self.told[guard] += 1
        if not self.peers.first:
            return
        if self.told[guard] <= TOLD:
            self.session.screen.warn(words)
        else:
            print(f"warning   {words}", flush=True)  # to the log

    def _words(self, sign: Sign, reading: Reading) -> str:
        blamed = self.trainer.share.rows(reading.step)
        if sign.batches is not None:
            pairs = zip(blamed, reading.losses, strict=True)
            blamed = [batch for batch, loss in pairs if sign.batches(loss)]
        rows = [row for batch in blamed for row in batch]
        places = origins(self.session.prepared, self.trainer.train_dataset, rows)
        mine = (places, trained_tokens(self.trainer.train_dataset, rows), reading.losses)
        seen = self.peers.of_all(mine)  # so that all say the same
        every = [place for own, *_ in seen for place in own]
        losses = [loss for *_, own in seen for loss in own]
        said = sign.said.format(
            loss=next(filter(_broken, losses), 0.0),
            norm=reading.norm,
            tokens=f"{sum(tokens for _, tokens, _ in seen):,} tokens to train on",
        )
        print(f"{said} at step {reading.step}; its rows:", *map(str, every), sep="\n  ")
        return f"{said} at step {reading.step}, in {named(every)}; {sign.advice}"

    def _kept(self) -> str:
        kept = self.session.dir.checkpoints.glob("checkpoint-*")
        last = max(map(step_of, kept), default=None)
        return "; no checkpoint was saved" if last is None else f"; checkpoint-{last} is kept"


def _finite(weight: torch.Tensor) -> bool:
    local = weight.to_local() if isinstance(weight, DTensor) else weight
    return bool(torch.isfinite(local).all())
