"""Who a tuned model is held against: each with a name, a fingerprint, and a model to be asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ftrecipe.components.eval import Eval
from ftrecipe.results import BASE
from ftrecipe.stages.measuring.measure import Subject
from ftrecipe.stages.session import Session


@dataclass(frozen=True)
class Contender:
    """One model, or one way to ask it.

    fingerprint: changes with all that decides what it says. asks: tells whether a suite has it
    measured. subject: loads it; asked only where a result is not known already.
    """

    name: str
    fingerprint: str
    subject: Callable[[], Subject]
    asks: Callable[[Eval], bool] = lambda suite: True


def contenders(session: Session) -> Iterator[Contender]:
    """Yield whoever the tuned model is held against, the base first."""
    yield Contender(BASE, session.models.fingerprint, lambda: base(session))


def base(session: Session) -> Subject:
    """Return the model as it is before this run's training."""
    return Subject(session.models.start, session.tokenizer, session.prepared, session.screen)
