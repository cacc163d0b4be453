"""The memory plan for people and machines."""

from typing import Any

from ftrecipe.amounts import GIB, gib
from ftrecipe.fit import Fit


def lines(found: Fit) -> list[str]:
    """Return the memory plan in lines for a person."""
    needed = found.needed
    if needed is None:
        return ["memory    this architecture is not known to the memory plan; nothing is refused"]
    account = needed.account
    first = f"memory    {gib(account.peak)} GiB on each device at the most, {account.at}"
    if found.memory is None:
        first += f"; {found.whose}"
    else:
        share = account.peak / (found.memory * GIB)
        first += f": {share:.0%} of {found.memory:.4g} GiB ({found.whose})"
    shown = [line for line in account.lines if line.size >= 1 << 20]
    told = [first, "  in GiB: " + "  ".join(f"{line.name} {gib(line.size)}" for line in shown)]
    if account.host:
        told.append(f"  {gib(account.host)} GiB wait in the memory of the machines")
    if needed.checkpointing:
        told.append("  activations are recomputed (gradient checkpointing)")
    told.append(f"  the longest row: {needed.length:,} tokens ({found.longest.how})")
    if found.full is not None:
        told.append(
            f"  rows of {found.full.length:,} tokens (trainer.max_length) would take "
            f"{gib(found.full.account.peak)} GiB"
        )
    told += [f"  {note}" for note in needed.notes]
    if found.fits is False:
        told.append(
            "  warning: it may not fit; known, and refused if so, once the data is prepared"
        )
    return told


def as_json(found: Fit) -> dict[str, Any]:
    """Return the memory plan for machines: bytes a device."""
    needed = found.needed
    there = None if found.memory is None else round(found.memory * GIB)
    if needed is None:
        return {"known": False, "fits": None, "memory": there}
    account = needed.account
    return {
        "known": True,
        "fits": found.fits,
        "memory": there,
        "peak": round(account.peak),
        "at": account.at,
        "host": round(account.host),
        "lines": {line.name: round(line.size) for line in account.lines},
        "moments": {moment: round(size) for moment, size in account.moments.items()},
        "longest_row": needed.length,
        "longest_row_at_least": found.longest.least,
        "longest_row_from": found.longest.how,
        "peak_at_max_length": round((found.full or needed).account.peak),
        "gradient_checkpointing": needed.checkpointing,
    }
