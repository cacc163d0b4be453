"""Optuna asked and told: who the next trial is, how far it came, what it ended with.

The study is study.db in the sweep's folder; any process that works on the sweep may open it.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ftrecipe.sweep.book import ENDED, Book, Trial
from ftrecipe.sweep.settings import Pruner, Sampler, Settings, from_plain
from ftrecipe.sweep.space import Choices, Dimension, combinations, count

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna import Trial as OptunaTrial
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

NAME = "sweep"
NUMBER = "number"  # which of our trials one of Optuna's is
TRIES = 5  # answers that were run already, before one is taken that was not
PATIENCE = 120  # seconds that a write waits for other processes at the same study


@dataclass(frozen=True)
class Study:
    """The study of one sweep."""

    book: Book

    @cached_property
    def settings(self) -> Settings:
        """How it searches."""
        return from_plain(self.book.sweep["settings"])

    @cached_property
    def optuna(self) -> "OptunaStudy":
        """Open the study, made at the first opening."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        file = self.book.path / "study.db"  # opened by its path: in a URL ? has a meaning
        connect = partial(sqlite3.connect, file, timeout=PATIENCE, check_same_thread=False)
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{file.name}", engine_kwargs={"creator": connect}
        )
        study = optuna.create_study(
            storage=storage, study_name=NAME, direction=self.book.sweep["direction"],
            sampler=self._sampler(), pruner=self._pruner(), load_if_exists=True,
        )  # fmt: skip
        return study

    def begin(self) -> None:
        """Make the study, or bring an interrupted sweep's in line with its records."""
        if self.settings.sampler is Sampler.grid:
            for point in combinations(self.book.space):
                self.optuna.enqueue_trial(dict(point), skip_if_exists=True)
        for trial in self.book.trials():
            if trial.state in ENDED:
                self.tell(trial)

    def _sampler(self) -> "BaseSampler":
        import optuna

        # Another process, or another start, is not to draw the same numbers again.
        seed = self.settings.seed + len(self.book.trials())
        if self.settings.sampler is Sampler.tpe:
            return optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=self.settings.n_startup_trials
            )
        return optuna.samplers.RandomSampler(seed=seed)

    def _pruner(self) -> "BasePruner":
        import optuna

        if self.settings.pruner is Pruner.median:
            return optuna.pruners.MedianPruner(n_startup_trials=self.settings.n_startup_trials)
        if self.settings.pruner is Pruner.hyperband:
            return optuna.pruners.HyperbandPruner()
        return optuna.pruners.NopPruner()

    def ask(self) -> dict[str, str]:
        """Return what the next trial sets, and remember it as trial number `len(trials)`."""
        known = [trial.overrides for trial in self.book.trials()]
        asked = self._next()
        for tried in range(1, TRIES + 1):
            if self._texts(asked.params) not in known:
                break
            self.optuna.tell(asked.number, state=_state("failed"))
            if tried == TRIES and (unseen := self._unseen(known)):
                self.optuna.enqueue_trial(dict(unseen))
            asked = self._next()
        self.optuna._storage.set_trial_user_attr(asked._trial_id, NUMBER, len(known))
        return self._texts(asked.params)

    def _next(self) -> "FrozenTrial | OptunaTrial":
        space = {one.key: self._distribution(one) for one in self.book.space}
        return self._orphan() or self.optuna.ask(space)

    def _orphan(self) -> "FrozenTrial | None":
        """Return a trial that was asked for by a process that died before it began."""
        while (found := self._find(None)) is not None:
            if set(found.params) == {one.key for one in self.book.space}:
                return found
            self.optuna.tell(found.number, state=_state("failed"))
        return None

    def _unseen(self, known: list[dict[str, str]]) -> dict[str, str] | None:
        """Return a combination that was not run yet, where there is an end of them."""
        if count(self.book.space) is None:
            return None
        return next((one for one in combinations(self.book.space) if one not in known), None)

    def _find(self, number: int | None) -> "FrozenTrial | None":
        """Return the running trial that is our `number`; None: one that has no number yet."""
        from optuna.trial import TrialState

        trials = self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return next((one for one in trials if one.user_attrs.get(NUMBER) == number), None)

    def _distribution(self, one: Dimension) -> "BaseDistribution":
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if isinstance(one, Choices) or self.settings.sampler is Sampler.grid:
            return CategoricalDistribution(one.values or ())
        if one.whole:
            return IntDistribution(int(one.low), int(one.high), one.log, int(one.step or 1))
        return FloatDistribution(one.low, one.high, one.log, one.step)

    def _texts(self, params: dict[str, Any]) -> dict[str, str]:
        return {
            one.key: value if isinstance(value := params[one.key], str) else one.text(value)  # type: ignore[union-attr]
            for one in self.book.space
        }

    def tell(self, trial: Trial) -> None:
        """Tell Optuna how a trial ended."""
        found = self._find(trial.number)
        if found is None:
            return
        if trial.state == "finished":
            self.optuna.tell(found.number, trial.objective)
        else:
            self.optuna.tell(found.number, state=_state(trial.state))

    def judge(self, trial: Trial) -> Callable[[int, float], bool] | None:
        """Return what takes a step with its evaluation loss, and says whether to stop the trial.

        None where nobody prunes. Optuna compares in the objective's direction; a loss is better
        the lower it is.
        """
        import optuna

        found = self._find(trial.number)
        if self.settings.pruner is Pruner.none or found is None:
            return None
        asked: OptunaTrial = optuna.Trial(self.optuna, found._trial_id)
        sign = -1 if self.book.sweep["direction"] == "maximize" else 1
        known = set(found.intermediate_values)

        def stops(step: int, loss: float) -> bool:
            if step not in known:
                known.add(step)
                asked.report(sign * loss, step)
            return asked.should_prune()

        return stops


def _state(state: str) -> Any:
    from optuna.trial import TrialState

    return TrialState.PRUNED if state == "pruned" else TrialState.FAIL
