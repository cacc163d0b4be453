"""Has a tracker follow a training: one that fails is told, and the training goes on without it."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ftrecipe.errors import StageError
from ftrecipe.stages.session import Session
from ftrecipe.stages.tracking.record import remember
from ftrecipe.stages.tracking.sender import END, GO, Sender


class Tracker(TrainerCallback):
    """The tracker of a run while it trains; entered before weights are loaded, since it needs
    seconds to begin.

    Raises StageError before the first step where it cannot follow, and the run insists on it.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.tracking = session, session.run.tracking
        self.sender: Sender | None = None

    def __enter__(self) -> "Tracker":
        if self.tracking.package is None or not self.session.rank.first:
            return self
        if why := self.tracking.fault():
            self._refuse(why)
            self.session.screen.warn(f"not tracked: {why}; history.jsonl has it all")
        else:
            self.sender = Sender(self.session.dir.path, self.tracking.timeout)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.sender is not None and KeyboardInterrupt not in exception:
            self.sender.finish(END)
            self._look()
        if self.sender is not None:
            self.sender.stop()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Wait until the tracker has begun, and let it follow."""
        if self.sender is None:
            return
        if why := self.sender.wait_until_ready():
            self._refuse(f"{self.tracking.package} cannot be used: {why}")
        self._look()
        if self.sender is not None:
            self.sender.tell(GO)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Notice where it has failed."""
        self._look()

    def _look(self) -> None:
        """Tell once that the tracker has failed, and leave it."""
        if self.sender is None or self.sender.why is None:
            return
        self.session.screen.warn(
            f"the tracker has failed, and the run goes on without it: {self.sender.why}; "
            "history.jsonl has it all"
        )
        remember(self.session.dir, self.sender.why)
        self.sender.stop()
        self.sender = None

    def _refuse(self, why: str) -> None:
        if self.tracking.insists():
            if self.sender is not None:
                self.sender.stop()
                self.sender = None
            raise StageError(f"tracking: {why}")
