"""Ends answers at texts that a request names, which transformers would leave in them."""

import asyncio
from collections.abc import Sequence
from typing import Any


def stop_texts(stop: str | Sequence[str] | None) -> list[str]:
    """Return a request's `stop` as a list."""
    several = [stop] if isinstance(stop, str) else stop or ()
    return [text for text in several if text]


def cut(text: str, stops: Sequence[str]) -> str:
    """Return what comes before the first stop."""
    places = [at for at in map(text.find, stops) if at >= 0]
    return text[: min(places)] if places else text


class UntilStop(asyncio.Queue[Any]):
    """A queue of an answer's pieces that keeps back what may be the beginning of a stop.

    Only plain text is looked at: calls of tools and reasoning pass as they are.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        super().__init__()
        self.stops = stops
        self.waiting, self.ended = "", False

    def put_nowait(self, item: Any) -> None:
        """Put a piece, what follows a stop excepted; None ends the answer."""
        if type(item) is str:
            self._text(item)
            return
        if self.waiting and not self.ended:
            super().put_nowait(self.waiting)
            self.waiting = ""
        super().put_nowait(item)

    def _text(self, piece: str) -> None:
        if self.ended:
            return
        self.waiting += piece
        kept = cut(self.waiting, self.stops)
        if len(kept) < len(self.waiting):
            self.ended, ready = True, kept
        else:
            ready = self.waiting[: len(self.waiting) - self._doubtful()]
        self.waiting = self.waiting[len(ready) :]
        if ready:
            super().put_nowait(ready)

    def _doubtful(self) -> int:
        """Return how many characters at the end may begin a stop."""
        lengths = range(max((len(stop) for stop in self.stops), default=1) - 1, 0, -1)
        ends = ((size, self.waiting[-size:]) for size in lengths if size <= len(self.waiting))
        return next((n for n, end in ends if any(s.startswith(end) for s in self.stops)), 0)
