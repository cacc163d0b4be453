"""Will it fit: holds what a settled run needs against what its devices have, and refuses."""

from dataclasses import dataclass, replace

from ftrecipe.config import RunConfig
from ftrecipe.errors import RuleError
from ftrecipe.fit.remedies import remedies
from ftrecipe.memory import GIB, gib
from ftrecipe.needs import Needs, memory_of, needs

SHORTEST = 64  # tokens; a run of rows of unknown length is only refused if not even these fit


@dataclass(frozen=True)
class Fit:
    """What a run needs and what there is: GiB a device, None where that is not known."""

    needed: Needs | None
    memory: float | None
    whose: str

    @property
    def fits(self) -> bool | None:
        """Tell whether it fits; None where that is not known."""
        if self.needed is None or self.memory is None:
            return None
        return self.needed.account.peak <= self.memory * GIB


def fit(run: RunConfig, here: bool = True) -> Fit:
    """Return what a settled run needs of each device, and what each has."""
    memory, whose = memory_of(run, here)
    return Fit(needs(run), memory, whose)


def refuse(run: RunConfig, found: Fit) -> None:
    """Raise RuleError for a run that cannot fit, with the smallest changes that would make it fit.

    A run whose longest row is only assumed is refused where short rows would not fit either.
    """
    if found.fits is not False or found.needed is None or found.memory is None:
        return
    length = None
    if found.needed.length_is_assumed:
        length = min(SHORTEST, found.needed.length)
        short = needs(run, length=length)
        if short is None or short.account.peak <= found.memory * GIB:
            return
        found = replace(found, needed=short)
    raise RuleError([_said(run, found, length)])


def _said(run: RunConfig, found: Fit, length: int | None) -> str:
    assert found.needed is not None
    assert found.memory is not None
    account, memory = found.needed.account, found.memory
    parts = ", ".join(
        f"{line.name} {gib(line.size)}"
        for line in account.lines
        if line.size >= 0.01 * account.peak
    )
    ways = [
        f"{change.words} → {gib(peak)} of {memory:.4g} GiB"
        for change, peak in remedies(run, memory, length)
    ]
    advice = f"it would fit with {'; or '.join(ways)}" if ways else "no change we know makes it fit"
    more = round(account.peak / GIB + 0.5)
    return (
        f"out of memory before it starts: {gib(account.peak)} GiB are needed on each device "
        f"({account.at}: {parts}), and there are {memory:.4g} GiB ({found.whose}); {advice}. "
        f"If there is more, say so: hardware.memory_gb={more}"
    )
