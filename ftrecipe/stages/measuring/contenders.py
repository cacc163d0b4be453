"""Who a tuned model is held against: each with a name, a fingerprint, and a model to be asked."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from ftrecipe.components.eval import Eval
from ftrecipe.results import BASE
from ftrecipe.stages.measuring import few_shot
from ftrecipe.stages.measuring.earlier import earlier_runs
from ftrecipe.stages.measuring.measure import EvalData, Subject
from ftrecipe.stages.session import Session
from ftrecipe.stages.stored import start_of


@dataclass(frozen=True)
class Contender:
    """One model, or one way to ask it.

    fingerprint: changes with all that decides what it says. asks: tells whether a suite has it
    measured. subject: loads it; asked only where a result is not known already. leave: called once
    it is measured. own: returns the data that suites bring themselves, where that is not the run's.
    shares_tokens: whether what is counted by the token can be compared.
    """

    name: str
    fingerprint: str
    subject: Callable[[], Subject]
    asks: Callable[[Eval], bool] = lambda suite: True
    leave: Callable[[], None] = lambda: None
    own: Callable[[Iterable[str]], Mapping[str, EvalData]] | None = None
    shares_tokens: bool = True


def contenders(session: Session) -> Iterator[Contender]:
    """Yield whoever the tuned model is held against, earlier runs first: before the base, which
    training needs, takes the memory."""
    for run in earlier_runs(session):
        yield Contender(
            run.name, run.fingerprint, run.subject, run.asks, run.leave, run.own, run.shares_tokens
        )
    yield Contender(BASE, session.models.fingerprint, lambda: base(session))
    if shown := few_shot.shots(session):
        found = few_shot.fingerprint(session, shown)
        asked = partial(few_shot.subject, session, shown)
        yield Contender(few_shot.FEW_SHOT, found, asked, few_shot.asks)


def base(session: Session) -> Subject:
    """Return the model as it is before this run's training."""
    models = session.models
    return Subject(
        models.start, session.tokenizer, session.prepared, session.screen, start_of(models)
    )
