"""Keeps the best weights of a training, ends it once it is enough, and goes back to the best."""

from typing import Any

from transformers import TrainerControl, TrainerState

from ftrecipe import best, manifest
from ftrecipe.amounts import many
from ftrecipe.errors import StageError, listed
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.keeping import KeepingTrainer
from ftrecipe.stages.training.peers import Peers


class Best:
    """Told of every evaluation, in all processes, which come to the same verdict."""

    def __init__(self, session: Session, peers: Peers) -> None:
        self.run, self.screen, self.peers = session.run, session.screen, peers
        self.metric, self.way = best.name_of(session.run), best.direction(session.run) or "min"
        self.stopped = False

    def __call__(
        self, state: TrainerState, control: TrainerControl, metrics: dict[str, float]
    ) -> bool:
        """Tell whether it is the best so far; then it is saved, and after too many others no more
        is trained."""
        value = self._value(metrics)
        if value is None or not self.run.trainer.keeps_best:
            return False
        threshold = self.run.trainer.early_stopping_threshold
        gained = best.gains(value, state.best_metric, self.way, threshold)
        if gained and self.run.trainer.load_best_model_at_end:
            state.best_metric, state.best_global_step = value, state.global_step
            control.should_save = True
        if state.global_step < state.max_steps and best.is_enough(state.log_history, self.run):
            self._stop(state, control)
        return gained

    def _value(self, metrics: dict[str, float]) -> float | None:
        """Return the metric, None where its suite was not measured this time.

        Raises StageError for a metric that its suite does not have.
        """
        key = best.logged_as(self.metric)
        if key not in metrics and self.metric != best.LOSS:
            suite = self.metric.partition(".")[0]
            others = [name for name in metrics if name.startswith(f"{best.MEASURED}{suite}.")]
            if others:
                there = listed([name.removeprefix(best.MEASURED) for name in others])
                raise StageError(
                    f"trainer.metric_for_best_model={self.metric} was not measured, or is no "
                    f"finite number (measured: {there})"
                )
        return metrics.get(key)

    def _stop(self, state: TrainerState, control: TrainerControl) -> None:
        """End the training here. No checkpoint is left of this step: whoever resumed from it would
        not know that it was the last."""
        self.stopped = control.should_training_stop = True
        control.should_save = False
        waited = best.course(state.log_history, self.run).waited
        self.screen.say(
            f"train     stopped early at step {state.global_step} of {state.max_steps}: "
            f"{self.metric} has not gained in {many(waited, 'evaluation')}"
        )

    def restore(self, trainer: KeepingTrainer) -> dict[str, Any]:
        """Go back to the best weights where that was asked for; return what metrics.json says.

        Raises StageError where their checkpoint is damaged.
        """
        if not self.run.trainer.keeps_best:
            return {}
        state, facts = trainer.state, {"stopped_early": self.stopped}
        if not self.run.trainer.load_best_model_at_end:
            return facts
        trainer.keeper.wait()
        self.peers.wait()
        if trainer.best_checkpoint is None or state.best_global_step is None:
            self.screen.warn(f"no evaluation gave {self.metric}: the last weights are the result")
            return facts
        if state.best_global_step != state.global_step:
            self._load(trainer)
        self.screen.say(
            f"train     best {self.metric} {state.best_metric:.4g} at step "
            f"{state.best_global_step} of {state.global_step}: those weights are the result"
        )
        told = {"best_metric": self.metric, "best_value": state.best_metric}
        return facts | told | {"best_step": state.best_global_step}

    def _load(self, trainer: KeepingTrainer) -> None:
        checkpoint: Any = trainer.best_checkpoint
        if wrong := self.peers.of_first(lambda: manifest.what_is_wrong(checkpoint)):
            raise StageError(
                f"{checkpoint.name}, the best, cannot be gone back to: {wrong}; to take the last "
                "weights instead, resume with trainer.load_best_model_at_end=false"
            )
        trainer.state.best_model_checkpoint = str(checkpoint)
        trainer._load_best_model()
        trainer.state.best_model_checkpoint = None
