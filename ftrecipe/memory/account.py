"""What a training holds on each device at every moment that may be its peak, line by line."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One thing that takes memory: bytes on a device."""

    name: str
    size: float


@dataclass(frozen=True)
class Account:
    """What is held by moment of the run: name → bytes; the moment that holds most is the peak.

    `host` is what waits in the machine's own memory.
    """

    holding: Mapping[str, Mapping[str, float]]
    host: float = 0.0

    @property
    def moments(self) -> dict[str, float]:
        """Return all bytes that are held at each moment."""
        return {moment: sum(parts.values()) for moment, parts in self.holding.items()}

    @property
    def peak(self) -> float:
        """Return the most bytes that are held at once."""
        return max(self.moments.values())

    @property
    def at(self) -> str:
        """Return the moment of the peak."""
        moments = self.moments
        return max(moments, key=lambda moment: moments[moment])

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return what is held at the peak."""
        return tuple(Line(name, size) for name, size in self.holding[self.at].items())

    def size(self, name: str) -> float:
        """Return the most bytes that one thing takes at any moment, 0 where there is none."""
        return max((parts.get(name, 0.0) for parts in self.holding.values()), default=0.0)
