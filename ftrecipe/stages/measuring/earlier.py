"""Earlier runs that a tuned model is held against: each one's result, on this run's questions.

Their models are loaded before this run's base is, measured, and let go. One that is an adapter on
the very model that this run starts from is put on that instead, so that weights are loaded once.
"""

import dataclasses
import gc
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ftrecipe.baselines import name_of
from ftrecipe.components.eval import Eval
from ftrecipe.config import from_plain
from ftrecipe.errors import ConfigError
from ftrecipe.found import find_run
from ftrecipe.paths import typed
from ftrecipe.rundir import RunDir, read_json
from ftrecipe.stages.fingerprints import weights_fingerprint
from ftrecipe.stages.measuring.lending import lent, may_borrow
from ftrecipe.stages.measuring.measure import EvalData, Subject
from ftrecipe.stages.measuring.other_tokens import OtherData, says_alike
from ftrecipe.stages.measuring.own_data import own_data
from ftrecipe.stages.models import Models
from ftrecipe.stages.screen import Screen
from ftrecipe.stages.session import Session
from ftrecipe.stages.stored import tuned_of
from ftrecipe.stages.surroundings import give_back


def earlier_runs(session: Session) -> Iterator["EarlierRun"]:
    """Yield the runs of `compare.against`. Raises ConfigError for one that cannot be asked."""
    for named in session.run.compare.against:
        yield EarlierRun(session, named, find_run(named, typed(session.run.runs_dir)))


class EarlierRun:
    """The result of one earlier run, and how it is asked what this run's suites ask."""

    def __init__(self, session: Session, named: str, rundir: RunDir) -> None:
        self.session, self.dir, self.name = session, rundir, name_of(named)
        self.told = f"compare.against=[{named}]"
        self._held = ExitStack()
        if rundir.path.resolve() == session.dir.path.resolve():
            raise ConfigError(f"{self.told}: this is the run itself; name an earlier one")
        self._check_base()

    def _check_base(self) -> None:
        known = read_json(self.dir.base)
        if not self.dir.model.is_dir() and self.models.base_fingerprint != known["sha256"]:
            raise ConfigError(
                f"{self.told}: its base {known['path']} is no longer the model that was tuned "
                f"(weights {known['sha256'][:12]} then, {self.models.base_fingerprint[:12]} now)"
            )

    @cached_property
    def models(self) -> Models:
        """Its models, loaded on this run's hardware; a whole model needs its base no more."""
        boundary = read_json(self.dir.run)
        before = from_plain(boundary["config"])
        model = _from_here(before.model, Path(boundary["working_dir"]))
        if self.dir.model.is_dir():
            model = dataclasses.replace(
                model, path=str(self.dir.model), revision=None, from_run=None
            )
        run = dataclasses.replace(
            before,
            model=model,
            hardware=self.session.run.hardware,
            consent=self.session.run.consent,
        )
        return Models(run, self.dir, Screen(None), self.session.rank)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that decides what its result says."""
        result = self.dir.model if self.dir.model.is_dir() else self.dir.adapter
        whole = [self.models.fingerprint, weights_fingerprint(result)]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

    @cached_property
    def shares_tokens(self) -> bool:
        """Whether this run's prompts are its prompts too."""
        return says_alike(self.models.tokenizer, self.session.tokenizer)

    @cached_property
    def _other(self) -> OtherData:
        return OtherData(self.session, self.models.tokenizer, self.told)

    @cached_property
    def _left_out(self) -> list[str]:
        """The suites that would ask it something else; each is told."""
        if self.shares_tokens:
            return []
        names = [n for n in self.session.run.eval if not self._other.asks_the_same(n)]
        for name in names:
            self.session.screen.warn(
                f"{self.name}: left out of {name}: with its tokenizer, other rows are too long"
            )
        return names

    def asks(self, suite: Eval) -> bool:
        """Tell whether it can be asked what a suite asks this run's own models."""
        return all(self.session.run.eval[name] is not suite for name in self._left_out)

    def own(self, names: Iterable[str]) -> Mapping[str, EvalData]:
        """Return the data that suites bring themselves, in its tokens."""
        return own_data(self.session, names) if self.shares_tokens else self._other.of(names)

    def subject(self) -> Subject:
        """Load its result; `leave` lets go of it."""
        start = self.session.models
        if may_borrow(self.models, start):
            model: Any = self._held.enter_context(lent(start.start, self.dir.adapter))
        else:
            model = self.models.load_tuned()
        data = self.session.prepared if self.shares_tokens else self._other.data
        return Subject(
            model, self.models.tokenizer, data, self.session.screen, tuned_of(self.models)
        )

    def leave(self) -> None:
        """Give back the memory that its model took, or the base that it was lent."""
        self._held.close()
        gc.collect()
        give_back()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _from_here(model: Any, folder: Path) -> Any:
    """Return a run's model with the paths in it as they are from here, not from its folder."""
    named = {name: getattr(model, name) for name in ("path", "from_run", "chat_template")}
    found = {
        name: str(folder / typed(text))
        for name, text in named.items()
        if text and "\n" not in text and _is_there(folder / typed(text))
    }
    return dataclasses.replace(model, **found)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a template's text is no file's name
        return False
