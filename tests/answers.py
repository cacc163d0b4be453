"""What a command answered, for tests that look at it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Said:
    """Exit code, stdout and stderr of a command."""

    code: int
    out: str
    err: str

    @property
    def faults(self) -> list[str]:
        """The lines of the error list, without their `error: `."""
        return [line.removeprefix("error: ") for line in self.err.splitlines()]


Cli = Callable[..., Said]
