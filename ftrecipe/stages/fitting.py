"""Holds a training against the memory once its rows are known, before any weights are loaded."""

import os
from pathlib import Path

from ftrecipe.amounts import GIB
from ftrecipe.components.hardware import Device
from ftrecipe.data.prepared import Prepared
from ftrecipe.data.split import SPLITS
from ftrecipe.fit import fit, refuse
from ftrecipe.needs import Longest
from ftrecipe.stages.session import Session

RESIDENT = Path("/proc/self/statm")  # its second number: pages that this process has in memory


def refuse_too_big(session: Session, data: Prepared) -> None:
    """Raise RuleError, with what would make it fit, where the longest rows do not fit.

    A plan can only reckon how many tokens a row has.
    """
    run = session.run
    lengths = {split: data.lengths(split) for split in SPLITS}
    longest = max((max(found, default=1) for found in lengths.values()), default=1)
    if run.trainer.packing:  # rows hold as much, where there is as much
        longest = min(run.trainer.max_length or longest, sum(lengths["train"]))
    splits = {split: len(found) for split, found in lengths.items()}
    own = 0.0 if run.hardware.device is Device.cuda else held()
    refuse(run, fit(run, Longest(longest, longest, "counted", splits), held=own))


def held() -> float:
    """Return the GiB of memory that this process has already; 0 where the system does not say."""
    if not RESIDENT.is_file():
        return 0.0
    return int(RESIDENT.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / GIB
