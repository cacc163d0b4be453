"""A trainer whose checkpoints are whole or not there, and that outlives one it could not write."""

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import Trainer, TrainerCallback
from transformers.trainer_utils import TrainOutput
from trl import SFTTrainer

from ftrecipe import manifest
from ftrecipe.errors import StageError
from ftrecipe.stages.training.checkpoints import ASIDE, Keeper
from ftrecipe.stages.writing import is_unwritten, why

STATE = "trainer_state.json"


class KeepingTrainer(SFTTrainer):
    """TRL's trainer, which writes each checkpoint aside and names it once all of it is written."""

    divided: str | None = None  # how checkpoints are in parts, one a process
    basis: dict[str, Any] = {}  # what the training rests on, for the manifests
    reschedules = False  # whether it goes on from a training of another number of steps
    _keeper: Keeper | None = None
    _aside = False

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

    def _get_output_dir(self, trial: Any) -> str:
        """Where transformers looks for checkpoints, and writes them."""
        folder = super()._get_output_dir(trial)
        return str(Path(folder) / ASIDE) if self._aside else folder

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """Save without TRL's model card: a checkpoint is not for publishing.

        Older checkpoints go only once this one is whole, with the parts of all processes.
        """
        step, first = self.state.global_step, self.is_world_process_zero()
        best = self.state.best_model_checkpoint
        if first:
            self.keeper.begin(step)
        self.accelerator.wait_for_everyone()
        error = self._write(model, trial)
        if self._any(error is not None):
            self.state.best_model_checkpoint = best
            if first:
                self.keeper.lose(step, error or OSError("another process could not write"))
                self.keeper.check()
            return
        if first:
            self.keeper.end(step, self.state.best_model_checkpoint, self._seal, self._at_once)

    def _write(self, model: nn.Module, trial: Any) -> Exception | None:
        """Write this process's part of a checkpoint; return why that was not possible.

        Raises StageError where processes write together: then none can go on without the others.
        """
        limit, self.args.save_total_limit = self.args.save_total_limit, None
        self._aside = True
        try:
            Trainer._save_checkpoint(self, model, trial)
            self._rename_best()
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

    def _rename_best(self) -> None:
        """Write down the best checkpoint, if it is this one, by the name that it will have."""
        best = self.state.best_model_checkpoint
        if best is None or Path(best).parent.name != ASIDE:
            return
        self.state.best_model_checkpoint = str(self.keeper.folder / Path(best).name)
        if self.is_world_process_zero():
            self.state.save_to_json(str(self.keeper.place(self.state.global_step) / STATE))

    def _seal(self, checkpoint: Path) -> None:
        manifest.write(checkpoint, self.args.world_size, self.divided, self.basis)

    @property
    def _at_once(self) -> bool:
        """Whether the checkpoint is looked for as soon as it is saved."""
        last = self.control.should_training_stop or self.state.global_step >= self.state.max_steps
        read = self.args.load_best_model_at_end or any(
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
