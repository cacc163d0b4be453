"""What a training holds on each device, line by line, and its peak over the moments of a run."""

from dataclasses import dataclass, field

GIB = 1 << 30


@dataclass(frozen=True)
class Line:
    """One thing that takes memory: bytes on a device at its most, and what it is made of."""

    name: str
    size: float
    note: str = ""


@dataclass(frozen=True)
class Account:
    """All of it. `moments` are bytes by moment of the run, the overhead in each; their highest is
    the peak. `assumed` says what was not known, `host` what waits in the machine's own memory.
    """

    lines: tuple[Line, ...]
    moments: dict[str, float]
    overhead: float
    host: float = 0.0
    assumed: tuple[str, ...] = field(default=())

    @property
    def peak(self) -> float:
        """Return the most bytes that are held at once."""
        return max(self.moments.values())

    @property
    def at(self) -> str:
        """Return the moment of the peak."""
        return max(self.moments, key=lambda moment: self.moments[moment])

    def size(self, name: str) -> float:
        """Return the bytes of one line, 0 where there is none of that name."""
        return sum(line.size for line in self.lines if line.name == name)


def gib(size: float) -> str:
    """Return bytes in GiB for people."""
    return f"{size / GIB:.2f}" if size < 10 * GIB else f"{size / GIB:.1f}"
