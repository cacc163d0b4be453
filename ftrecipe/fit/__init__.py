"""Will it fit: holds what a settled run needs against what its devices have, and refuses."""

from dataclasses import dataclass, replace

from ftrecipe.amounts import GIB, gib
from ftrecipe.config import RunConfig
from ftrecipe.errors import RuleError
from ftrecipe.fit.remedies import remedies
from ftrecipe.needs import Longest, Needs, memory_of, needs


@dataclass(frozen=True)
class Fit:
    """What a run needs and what there is: GiB a device, None where that is not known."""

    needed: Needs | None
    memory: float | None
    whose: str
    longest: Longest
    full: Needs | None = None  # with rows as long as they may be, where these are shorter

    @property
    def fits(self) -> bool | None:
        """Tell whether it fits; None where that is not known."""
        if self.needed is None or self.memory is None:
            return None
        return self.needed.account.peak <= self.memory * GIB


def fit(run: RunConfig, longest: Longest, here: bool = True, held: float = 0.0) -> Fit:
    """Return what a settled run needs of each device, and what each has.

    `held` are the GiB of this machine's memory that the process which asks holds already.
    """
    memory, whose = memory_of(run, here)
    if memory is not None and run.hardware.memory_gb is None:
        memory += held
    limit = run.trainer.max_length or 0
    full = needs(run, length=limit, splits=longest.splits) if limit > longest.tokens else None
    needed = needs(run, length=longest.tokens, splits=longest.splits)
    return Fit(needed, memory, whose, longest, full)


def refuse(run: RunConfig, found: Fit) -> None:
    """Raise RuleError for a run that cannot fit, with the smallest changes that would make it fit.

    Where the longest row is only reckoned or assumed, it is judged by what that has at least; the
    changes are for what is reckoned with.
    """
    memory, longest = found.memory, found.longest
    if found.fits is not False or found.needed is None or memory is None:
        return
    needed, least = found.needed, needs(run, length=longest.least, splits=longest.splits)
    if least is None or least.account.peak <= memory * GIB:
        return
    ways = remedies(run, memory, longest)
    if not ways:
        needed, ways = least, remedies(run, memory, replace(longest, tokens=longest.least))
    there = f"{memory:.4g} GiB"
    told = [f"{change.words} → {gib(peak)} of {there}" for change, peak in ways]
    raise RuleError([_said(run, needed, f"{there} ({found.whose})", told)])


def _said(run: RunConfig, needed: Needs, there: str, ways: list[str]) -> str:
    account = needed.account
    parts = ", ".join(
        f"{line.name} {gib(line.size)}"
        for line in account.lines
        if line.size >= 0.01 * account.peak
    )
    advice = f"it would fit with {'; or '.join(ways)}" if ways else "no change we know makes it fit"
    more = round(account.peak / GIB + 0.5)
    batch = f"{run.trainer.per_device_train_batch_size} rows x {needed.length:,} tokens"
    return (
        f"out of memory before it starts: {gib(account.peak)} GiB are needed on each device "
        f"({account.at}, {batch}: {parts}), and there are {there}; "
        f"{advice}. If there is more, say so: hardware.memory_gb={more}"
    )
