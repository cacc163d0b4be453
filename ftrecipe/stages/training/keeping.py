"""A trainer whose checkpoints are whole or not there, and that outlives one it could not write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState
from transformers.trainer_utils import TrainOutput
from trl import SFTTrainer

from ftrecipe import manifest
from ftrecipe.errors import StageError
from ftrecipe.stages.training.checkpoints import ASIDE, Keeper
from ftrecipe.stages.writing import is_unwritten, why

STATE = "trainer_state.json"
Judge = Callable[[TrainerState, TrainerControl, dict[str, float]], bool]


class KeepingTrainer(SFTTrainer):
    """TRL's trainer, which writes each checkpoint aside and names it once all of it is written."""

    divided: str | None = None  # how checkpoints are in parts, one a process
    basis: dict[str, Any] = {}  # what the training rests on, for the manifests
    reschedules = False  # whether it goes on from a training of another number of steps
    judge: Judge | None = None  # told of each evaluation: says whether it is the best so far
    _keeper: Keeper | None = None
    _aside = False
    _before: tuple[float | None, int | None] = (None, None)  # the best before this evaluation

    @property
    def keeper(self) -> Keeper:
        """What becomes of checkpoints that are written."""
        if self._keeper is None:
            folder = Path(str(self.args.output_dir))
            self._keeper = Keeper(folder, self.args.save_total_limit, print)
        return self._keeper

    def train(self, *args: Any, **kwargs: Any) -> TrainOutput:
        """Train, see `Trainer.train`; the last checkpoint is kept when this returns."""
        try:
            return super().train(*args, **kwargs)
        finally:
            self.keeper.wait()

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Go on with what was saved; where the steps are others, by the schedule of these."""
        super()._load_optimizer_and_scheduler(checkpoint)
        schedule = self.lr_scheduler
        if checkpoint is None or not self.reschedules or not isinstance(schedule, LambdaLR):
            return
        # The rate that was saved was the next one of the old schedule.
        pairs = zip(schedule.base_lrs, schedule.lr_lambdas, strict=True)
        schedule._last_lr = [rate * share(schedule.last_epoch) for rate, share in pairs]
        for group, rate in zip(schedule.optimizer.param_groups, schedule._last_lr, strict=True):
            group["lr"] = rate

    def _init_training_state(self, *args: Any, **kwargs: Any) -> tuple[int, int]:
        """Take over a checkpoint's state; a best checkpoint that is gone is forgotten."""
        found = super()._init_training_state(*args, **kwargs)
        self.state.best_model_checkpoint = None  # a run may have been moved: the step is enough
        best = self.best_checkpoint
        if best is not None and not best.is_dir():
            self.keeper.warn(f"{best.name}, the best so far, is gone: the next evaluation begins")
            self.state.best_metric = self.state.best_global_step = None
        return found

    @property
    def best_checkpoint(self) -> Path | None:
        """Where the best weights so far are, None where none were kept."""
        step = self.state.best_global_step
        return None if step is None else self.keeper.folder / f"checkpoint-{step}"

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Have the evaluation judged: the best is saved, whatever `save_steps` says."""
        self._before = self.state.best_metric, self.state.best_global_step
        return self.judge is not None and self.judge(self.state, self.control, metrics)

    def _get_output_dir(self, trial: Any) -> str:
        """Where transformers looks for checkpoints, and writes them."""
        folder = super()._get_output_dir(trial)
        return str(Path(folder) / ASIDE) if self._aside else folder

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Save without TRL's model card: a checkpoint is not for publishing.

        Older checkpoints go only once this one is whole, with the parts of all processes.
        """
        step, first = self.state.global_step, self.is_world_process_zero()
        if first:
            self.keeper.begin(step)
        self.accelerator.wait_for_everyone()
        error = self._write(model, trial)
        if self._any(error is not None):
            if self.state.best_global_step == step:  # what is not on disk cannot be gone back to
                self.state.best_metric, self.state.best_global_step = self._before
            if first:
                self.keeper.lose(step, error or OSError("another process could not write"))
                self.keeper.check()
            return
        if first:
            best = self.best_checkpoint
            self.keeper.end(step, best and best.name, self._seal, self._at_once)

    def _write(self, model: nn.Module, trial: Any) -> Exception | None:
        """Write this process's part of a checkpoint; return why that was not possible.

        Raises StageError where processes write together: then none can go on without the others.
        """
        limit, self.args.save_total_limit = self.args.save_total_limit, None
        self._aside = True
        try:
            Trainer._save_checkpoint(self, model, trial)
            self._forget_place()
        except Exception as error:  # tokenizers raises nothing more exact
            if not is_unwritten(error):
                raise
            if self.divided:
                reason = why(error, self.keeper.folder)
                raise StageError(f"a checkpoint could not be saved: {reason}") from error
            return error
        finally:
            self._aside = False
            self.args.save_total_limit = limit
        return None

    def _forget_place(self) -> None:
        """Leave out where transformers says that the best one is: it is there for now only."""
        if self.state.best_model_checkpoint is None:
            return
        self.state.best_model_checkpoint = None
        if self.is_world_process_zero():
            self.state.save_to_json(str(self.keeper.place(self.state.global_step) / STATE))

    def _seal(self, checkpoint: Path) -> None:
        manifest.write(checkpoint, self.args.world_size, self.divided, self.basis)

    @property
    def _at_once(self) -> bool:
        """Whether the checkpoint is looked for as soon as it is saved."""
        last = self.control.should_training_stop or self.state.global_step >= self.state.max_steps
        read = any(
            type(one).on_save is not TrainerCallback.on_save
            for one in self.callback_handler.callbacks
        )
        return last or read

    def _any(self, here: bool) -> bool:
        """Tell whether it is so in one of the processes; they have all come this far."""
        if self.args.world_size == 1:
            return here
        flag = torch.tensor(float(here), device=self.args.device)
        return bool(self.accelerator.reduce(flag, "sum"))
