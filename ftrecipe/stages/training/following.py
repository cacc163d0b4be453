"""Follows a training: progress for the person, history.jsonl, and the request to stop."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ftrecipe.best import LOSS, MEASURED
from ftrecipe.manifest import step_of
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.blank import real
from ftrecipe.stages.training.feeding import Collator
from ftrecipe.stages.training.guards import Watch
from ftrecipe.stages.training.packing import Documents, token_counts
from ftrecipe.stages.training.peers import Peers

NOTHING = {"seconds": 0.0, "tokens": 0}
WRITTEN = ("loss", "learning_rate", "grad_norm", LOSS)


class Following(TrainerCallback):
    """Knows where the training is; entered for as long as the training runs.

    Of several processes all count and agree, and the first one writes and shows.
    watch: is told of every step and evaluation; set once there is a trainer.
    """

    watch: Watch

    def __init__(
        self, session: Session, rows: Documents, steps: int, checkpoint: Path | None, peers: Peers
    ) -> None:
        self.session, self.total, self.peers = session, steps, peers
        self.first = step_of(checkpoint) if checkpoint else 0
        self.history = session.dir.history
        lengths = token_counts(rows)
        trainer, world = session.run.trainer, session.run.world_size
        self.tokens_per_step = sum(lengths) / max(1, trainer.steps_per_epoch(len(lengths), world))
        self.counts_tokens = trainer.extra.get("dataloader_num_workers", 0) == 0
        self.counted = 0
        self.tokens = 0
        self.last_word = float("nan")
        self.before = NOTHING
        self.step = self.first
        self.first_step_at: float | None = None
        self.began = self.ended = time.monotonic()
        self.last = (self.began, 0)
        self.paused = 0.0  # seconds since the last loss was logged, taken by something else
        self.shown: dict[str, str] = {}  # beside the bar, each as it was last logged
        self.pace = ""
        self._stack = ExitStack()

    @property
    def steps(self) -> int:
        """Optimizer steps taken by this process."""
        return self.step - self.first

    @property
    def seconds(self) -> float:
        """Seconds that these steps took."""
        return max(self.ended - self.began, 1e-9)

    def count(self) -> None:
        """Bring `tokens` up to date: those trained on since the start, padding not counted.

        Counted as batches are made, on all processes; where others than these make them, from the
        mean of all rows.
        """
        counted = self.peers.sum(self.counted) if self.counts_tokens else 0
        self.tokens = round(counted or self.steps * self.tokens_per_step)

    def pause(self, seconds: float) -> None:
        """Leave time out of the pace that is shown: it went into measuring."""
        self.paused += seconds

    @property
    def loss(self) -> float:
        """The mean loss over all steps; the trainer's own word where nothing was logged."""
        logged = mean_loss(self.history) if self.history.is_file() else float("nan")
        return self.last_word if math.isnan(logged) else logged

    def counting(self, collator: Collator) -> Collator:
        """Return `collator` with its rows' tokens counted."""

        def counted(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
            self.counted += sum(len(row["input_ids"]) for row in real(rows))
            return collator(rows)

        return counted

    def __enter__(self) -> "Following":
        if self.peers.first:
            self.before = cut_back(self.history, self.first)
        self.peers.wait()  # so that all become patient at the same moment
        self.bar = self._stack.enter_context(
            self.session.screen.progress("train", self.total, self.first)
        )
        self.session.stop.patient = True
        return self

    def __exit__(self, *exception: object) -> None:
        self.session.stop.patient = False
        self._stack.close()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock: what came before is loading."""
        self.began = self.ended = time.monotonic()
        self.counted = 0
        self.last = (self.began, 0)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Advance the bar; have the step looked at; save and stop if that was asked for."""
        self.step, self.ended = state.global_step, time.monotonic()
        if self.first_step_at is None:
            self.first_step_at = time.time()
        self.bar.update(1)
        at_once = control.should_save or control.should_log or control.should_evaluate
        signs = self.watch.signs(state.global_step, at_once or control.should_training_stop)
        asked, *most = self.peers.most_of([float(self.session.stop.requested), *signs])
        self.watch.judge(most)
        if asked:
            self.session.stop.requested = True
            control.should_save = control.should_training_stop = True
            self.watch.judge(self.peers.most_of(self.watch.rest()))
        if control.should_save:
            self.watch.before_saving()

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Have the evaluation looked at."""
        self.watch.evaluated(state.log_history, metrics or {})

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count for the last time, and leave together: no process is still at a checkpoint."""
        self.count()
        self.peers.wait()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write one line of history; the trainer's own last word is the mean loss."""
        logs = logs or {}
        if "train_loss" in logs:
            self.last_word = logs["train_loss"]
            return
        self.count()
        if not self.peers.first:
            return
        now = time.monotonic()
        seconds, tokens = now - self.last[0] - self.paused, self.tokens - self.last[1]
        line: dict[str, Any] = {"step": state.global_step, "epoch": state.epoch}
        line |= {key: logs[key] for key in logs if key in WRITTEN or key.startswith(MEASURED)}
        line |= {"seconds": self.seconds + self.before["seconds"],
                 "tokens": self.tokens + self.before["tokens"]}  # fmt: skip
        if "loss" in logs and tokens > 0:
            line["tokens_per_second"] = tokens / seconds
            self.last, self.paused = (now, self.tokens), 0.0
            self.shown["loss"] = f"{logs['loss']:.4f}"
            self.pace = f"{line['tokens_per_second']:,.0f} tokens/s"
        self.shown |= {
            _short(key): f"{value:.4g}" for key, value in line.items() if _is_measured(key)
        }
        self.bar.note = "  ".join([*(f"{k} {v}" for k, v in self.shown.items()), self.pace])
        with self.history.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _is_measured(key: str) -> bool:
    return key == LOSS or key.startswith(MEASURED)


def _short(key: str) -> str:
    return key.removeprefix(MEASURED)


def cut_back(history: Path, step: int) -> dict[str, float]:
    """Drop what was logged after the checkpoint that training goes on from.

    Return the seconds and tokens that the training had taken when the last kept line was written.
    """
    if not history.is_file():
        return NOTHING
    lines = history.read_text("utf-8").splitlines()
    kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
    history.write_text("".join(line + "\n" for line in kept), "utf-8")
    last = json.loads(kept[-1]) if kept else {}
    return {key: last.get(key, 0) for key in NOTHING}


def logged(history: Path) -> list[dict[str, Any]]:
    """Return what was logged, a line a step; nothing where there is no history yet."""
    lines = history.read_text("utf-8").splitlines() if history.is_file() else []
    return [json.loads(line) for line in lines]


def mean_loss(history: Path) -> float:
    """Return the mean training loss of all logged steps, those before a resume too."""
    total, before = 0.0, 0
    for line in logged(history):
        if "loss" in line:
            total += line["loss"] * (line["step"] - before)
            before = line["step"]
    return total / before if before else float("nan")
