"""This run's questions for a model with a tokenizer or a template of its own: prepared anew."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from ftrecipe.components.eval import Eval
from ftrecipe.data.prepared import Job, Prepared
from ftrecipe.errors import ConfigError, DataError
from ftrecipe.stages.measuring.own_data import Whole, data_of, place_of
from ftrecipe.stages.prepare import job_of
from ftrecipe.stages.session import Session


def says_alike(one: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase) -> bool:
    """Tell whether two tokenizers make the same prompts of the same conversations."""
    return _written(one) == _written(other)


def _written(tokenizer: PreTrainedTokenizerBase) -> str:
    backend: Any = tokenizer.backend_tokenizer  # pyright: ignore[reportAttributeAccessIssue]
    special = sorted(tokenizer.special_tokens_map.items())
    whole = [backend.to_str(), str(special), tokenizer.chat_template]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


class OtherData:
    """The run's data, and that of its suites, as another tokenizer makes tokens of it.

    Prepared once and cached by content, as all data is. Raises ConfigError, beginning with `who`,
    where it cannot be.
    """

    def __init__(self, session: Session, tokenizer: PreTrainedTokenizerBase, who: str) -> None:
        self.session, self.tokenizer, self.who = session, tokenizer, who
        job = replace(job_of(session), tokenizer=tokenizer)
        self.data = Prepared.open(self._place(job))
        self.own = {
            name: Whole(Prepared.open(self._place(each)))
            for name, suite in session.run.eval.items()
            if (each := self._own_job(job, suite)) is not None
        }

    def _own_job(self, job: Job, suite: Eval) -> Job | None:
        source = suite.own_data(self.session.run.dataset)
        return None if source is None else replace(job, source=source, steps=(), trains=False)

    def _place(self, job: Job) -> Path:
        try:
            return Path(place_of(self.session, job)["path"])
        except (DataError, OSError) as error:
            raise ConfigError(
                f"{self.who}: it has another tokenizer or chat template than this run, and this "
                f"run's data cannot be prepared for it: {error}"
            ) from error

    def of(self, names: Iterable[str]) -> dict[str, Whole]:
        """Return the data of those suites that bring their own."""
        return {name: self.own[name] for name in names if name in self.own}

    def asks_the_same(self, name: str) -> bool:
        """Tell whether a suite would ask just what it asks this run's own models.

        A row that is too long for one of the tokenizers is in the data of the other alone.
        """
        suite = self.session.run.eval[name]
        split = suite.reads()
        if split is None and name not in self.own:
            return True
        mine, theirs = data_of(self.session, name), self.own.get(name, self.data)
        part = "test" if split is None else split.value
        return _asked(mine, part) == _asked(theirs, part)


def _asked(data: Any, split: str) -> list[Any]:
    found = [(one.where, one.question, one.answers) for one in data.examples(split)]
    return [found, data.places(split)]
