"""Measures suites in the middle of a training, each time on the same few examples."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import isfinite
from typing import Any

from datasets import Dataset

from ftrecipe.best import LOSS, MEASURED
from ftrecipe.components.eval import Eval, Split, SplitEval
from ftrecipe.config import RunConfig
from ftrecipe.stages.measuring.measure import EvalData, Subject, questions
from ftrecipe.stages.measuring.own_data import data_of
from ftrecipe.stages.session import Session
from ftrecipe.stages.training.exhaustion import told
from ftrecipe.stages.training.peers import Peers
from ftrecipe.stages.training.sft import LeanSFTTrainer
from ftrecipe.stages.training.unchanged import unchanged


def sampled(run: RunConfig) -> dict[str, Eval]:
    """Return the suites that are measured while training, on a few examples of validation data.

    A suite with data of its own keeps it: as many examples of that.
    """
    samples = run.trainer.eval_samples
    return {name: _fewer(run.eval[name], samples) for name in run.trainer.eval_suites}


def _fewer(suite: Eval, samples: int) -> Eval:
    fewer = replace(suite, max_samples=min(samples, suite.max_samples or samples))
    return replace(fewer, split=Split.validation) if isinstance(fewer, SplitEval) else fewer


def lacks(session: Session) -> Iterator[str]:
    """Yield what validation data is too little for, before weights are loaded."""
    trainer, data = session.run.trainer, session.prepared
    if trainer.eval_steps is not None and data.validation() is None:
        yield (
            "trainer.eval_steps: the data has no validation split; set dataset.split.validation "
            "or dataset.validation_path, or leave trainer.eval_steps out"
        )
        return
    for name, suite in sampled(session.run).items():
        asks = suite.generates and suite.reads() is not None
        if asks and not questions(data, Split.validation):
            yield (
                f"trainer.eval_suites=[{name}] needs questions with answers, and the validation "
                f"split has none; leave {name} out of it"
            )


class Spread:
    """Data of which a few examples of a split stand for all: taken evenly from its length."""

    def __init__(self, data: EvalData, samples: int) -> None:
        self.data, self.samples = data, samples

    def train(self) -> Dataset | None:
        return self._few(self.data.train())

    def validation(self) -> Dataset | None:
        return self._few(self.data.validation())

    def test(self) -> Dataset | None:
        return self._few(self.data.test())

    def examples(self, split: str) -> list[Any]:
        held = questions(self.data, Split(split))
        return [held[at] for at in evenly(len(held), self.samples)]

    def places(self, split: str, limit: int | None = None) -> list[tuple[str, str]]:
        found = self.data.places(split)
        return [found[at] for at in evenly(len(found), self.samples)][:limit]

    def _few(self, rows: Dataset | None) -> Dataset | None:
        return None if rows is None else rows.select(evenly(len(rows), self.samples))


def evenly(there: int, wanted: int) -> list[int]:
    """Return the places of up to `wanted` of so many things, at equal distances."""
    count = min(there, wanted)
    return [at * there // count for at in range(count)]


class Sampled:
    """What an evaluation measures besides the loss; the training does not notice.

    The first process measures, with the weights that all of them have, and the others wait.
    """

    def __init__(
        self,
        session: Session,
        peers: Peers,
        trainer: LeanSFTTrainer,
        pause: Callable[[float], None],
    ) -> None:
        self.session, self.peers, self.trainer, self.pause = session, peers, trainer, pause
        self.suites = sampled(session.run)

    def __call__(self) -> dict[str, float]:
        """Return the metrics by `eval.<suite>.<metric>`, nothing where it is not their turn."""
        return self.peers.of_first(self._measured) if self.suites and self._is_due() else {}

    def _is_due(self) -> bool:
        """Tell every k-th evaluation, counted from the log so that a resume changes nothing; and
        the last one."""
        state = self.trainer.state
        number = 1 + sum(LOSS in line for line in state.log_history)
        every = self.session.run.trainer.eval_suites_every
        return number % every == 0 or state.global_step >= state.max_steps

    def _measured(self) -> dict[str, float]:
        began = time.monotonic()
        model: Any = self.trainer.accelerator.unwrap_model(self.trainer.model_wrapped)
        session, samples = self.session, self.session.run.trainer.eval_samples
        subject = Subject(model, session.tokenizer, session.prepared)
        found: dict[str, float] = {}
        with unchanged(model):
            for name, suite in self.suites.items():
                few = Spread(data_of(session, name), samples)
                found |= self._of(name, suite, subject.on(few))
        self.pause(time.monotonic() - began)
        return found

    def _of(self, name: str, suite: Eval, subject: Subject) -> dict[str, float]:
        """Return what can be better or worse of one suite."""
        with told(lambda: f"eval={name} while training; use a smaller trainer.eval_samples or "
                  f"eval.{name}.batch_size"):  # fmt: skip
            metrics = suite.measure(subject).metrics
        return {
            f"{MEASURED}{name}.{metric}": float(value)
            for metric, value in metrics.items()
            if suite.direction(metric) is not None and isfinite(value)
        }
