"""Keeps trackers from ending a training: one that fails is told, and the run goes on without it."""

from collections.abc import Callable
from typing import Any

from transformers import Trainer, TrainerCallback

from ftrecipe.errors import StageError
from ftrecipe.stages.session import Session

BEGINNING = ("on_init_end", "on_train_begin")  # what fails here can still be mended in time
EVENTS = tuple(name for name in dir(TrainerCallback) if name.startswith("on_"))
REPORTERS = "transformers.integrations"


def report_to(session: Session) -> str:
    """Return the tracker to report to, as transformers names it; `none` where it is not there.

    Raises StageError where the run is not to go on without it.
    """
    tracking = session.run.tracking
    why = tracking.fault()
    if why is None:
        return tracking.report_to
    if tracking.insists():
        raise StageError(f"tracking: {why}")
    session.screen.warn(f"not tracked: {why}; history.jsonl has it all")
    return "none"


def guard(trainer: Trainer, session: Session) -> None:
    """Let no tracker of `trainer` end the training once it has begun."""
    for callback in trainer.callback_handler.callbacks:
        if type(callback).__module__.startswith(REPORTERS):
            _Guard(callback, session).stand()


class _Guard:
    """Stands between the trainer and one tracker."""

    def __init__(self, callback: TrainerCallback, session: Session) -> None:
        self.callback, self.session = callback, session
        self.failed = False

    def stand(self) -> None:
        """Take the place of the tracker's methods."""
        for name in EVENTS:
            own = getattr(self.callback, name)
            setattr(self.callback, name, self._guarded(name, own))

    def _guarded(self, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.failed:
                return None
            try:
                return own(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever it is, the training is not to pay
                self._told(name, error)
                return None

        return call

    def _told(self, name: str, error: Exception) -> None:
        """Say that the tracker has failed. Raises StageError before the first step."""
        lines = str(error).splitlines() or [""]
        reason = f"{type(error).__name__}: {lines[0]}"
        tracking = self.session.run.tracking
        if name in BEGINNING and tracking.insists():
            raise StageError(f"tracking: {tracking.package} cannot be used: {reason}") from error
        self.failed = True
        self.session.screen.warn(
            f"the tracker has failed, and the run goes on without it: {reason}; "
            "history.jsonl has it all"
        )
