"""What runs share in the cache is built by one at a time: the second waits, and then finds it."""

from collections.abc import Iterator
from contextlib import contextmanager

from ftrecipe.flock import held
from ftrecipe.stages.session import Session


@contextmanager
def alone_at(session: Session, what: str, key: str) -> Iterator[None]:
    """Be the only one of the runs that share a cache who builds `what` that is stored as `key`."""

    def waiting() -> None:
        session.screen.say(f"waiting   another run is at the same {what}")

    with held(session.cache / "locks" / f"{what.replace(' ', '_')}-{key[:16]}", waiting):
        yield
