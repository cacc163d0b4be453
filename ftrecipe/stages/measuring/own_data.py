"""The data that suites bring themselves: prepared as the run's own, and found again by suite."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ftrecipe.amounts import many
from ftrecipe.components.eval import Eval
from ftrecipe.components.eval.own import faults, lacking, told
from ftrecipe.config import RunConfig
from ftrecipe.data.asked import leak
from ftrecipe.data.build import built
from ftrecipe.data.prepared import EvalExample, Job, Prepared, fingerprint
from ftrecipe.errors import DataError
from ftrecipe.rundir import read_json
from ftrecipe.stages.session import Session
from ftrecipe.stages.sharing import alone_at

if TYPE_CHECKING:
    from datasets import Dataset as Rows

Places = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Whole:
    """Prepared data of which every split is all of it."""

    data: Prepared

    @property
    def fingerprint(self) -> str:
        """What names this data."""
        return self.data.fingerprint

    def train(self) -> "Rows | None":
        """Return all rows."""
        return self.data.test()

    validation = test = train

    def examples(self, split: str) -> list[EvalExample]:
        """Return all questions."""
        return self.data.examples("test")

    def places(self, split: str, limit: int | None = None) -> list[tuple[str, str]]:
        """Return where each row came from, and its source."""
        return self.data.places("test", limit)


def data_of(session: Session, name: str) -> Prepared | Whole:
    """Return the prepared data that a suite is measured on: its own, or the run's."""
    own = _known(session).get(name)
    return Whole(Prepared.open(Path(own["path"]))) if own else session.prepared


def own_data(session: Session, names: Iterable[str]) -> dict[str, Whole]:
    """Return the data of those suites that bring their own."""
    found = {name: data_of(session, name) for name in names}
    return {name: data for name, data in found.items() if isinstance(data, Whole)}


def own_faults(run: RunConfig) -> list[str]:
    """Say all that is wrong with the data that suites bring, looking at files only."""
    return [fault for name, suite in run.eval.items() for fault in faults(name, suite, run.dataset)]


def prepare_own(session: Session, run: Job) -> Places:
    """Prepare what suites bring as `run` says how; return its place by suite.

    Raises DataError with the faults of all of them.
    """
    places: Places = {}
    wrong: list[str] = []
    for name, suite in session.run.eval.items():
        if found := faults(name, suite, session.run.dataset):
            known = _known(session).get(name)
            if (
                known
                and known["named"] == _named(name, suite)
                and Prepared.exists(Path(known["path"]))
            ):
                places[name] = known  # its file is gone; what was prepared of it is not
            else:
                wrong += found
            continue
        data = suite.own_data(session.run.dataset)
        if data is None:
            continue
        try:
            places[name] = place_of(session, replace(run, source=data, steps=(), trains=False))
        except DataError as error:
            wrong += [told(fault, name, suite) for fault in error.faults]
            continue
        places[name]["named"] = _named(name, suite)
        wrong += [told(lack, name, suite) for lack in _lacks(suite, places[name])]
    if wrong:
        raise DataError(list(dict.fromkeys(wrong)))
    return places


def tell_own(session: Session, places: Places) -> None:
    """Say what each suite is measured on, and what of it was trained on."""
    for name, place in places.items():
        data = Prepared.open(Path(place["path"]))
        count = data.report["examples"]["test"]
        session.screen.say(f"measured  {name}: {many(count, 'example')} of {place['named']}")
        found = leak(session.prepared, data)
        if found.same_prompt:
            session.screen.warn(
                f"eval.{name}: {many(found.same_prompt, 'question')} of {place['named']} can be "
                "seen in training: its scores will flatter the model."
            )
        if found.same_words:
            session.screen.warn(
                f"eval.{name}: {many(found.same_words, 'training example')} with "
                f"{found.words} words in a row in common with {place['named']}."
            )


def place_of(session: Session, job: Job) -> dict[str, str]:
    """Return the place of prepared data, from the cache or built now. Raises DataError."""
    key = fingerprint(job)
    folder = session.cache / key[:16]
    with alone_at(session, "data", key):
        if not Prepared.exists(folder):
            with built(job, folder, lambda total: lambda count: None) as data:
                if failures := data.report["failures"]:
                    raise DataError(failures)
    return {"path": str(folder), "fingerprint": key}


def _lacks(suite: Eval, place: Mapping[str, str]) -> list[str]:
    """Say what a suite misses in the data that it brings."""
    return lacking(suite, Prepared.open(Path(place["path"])).examples("test"))


def _named(name: str, suite: Eval) -> str:
    """Return the name of the data as it is written, for people and to know it again."""
    return vars(suite)[suite.own_field] or f"eval.{name}"


def _known(session: Session) -> Places:
    prepared = session.dir.prepared
    return read_json(prepared).get("suites", {}) if prepared.is_file() else {}
