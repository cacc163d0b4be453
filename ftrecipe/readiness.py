"""Looks whether this machine and its trackers are what a run needs, before any of it starts."""

import importlib.util
import os
from collections.abc import Collection, Iterator

from ftrecipe import devices
from ftrecipe.amounts import many
from ftrecipe.components.export import Export
from ftrecipe.components.hardware import Device, Hardware
from ftrecipe.config import RunConfig
from ftrecipe.errors import ConfigError
from ftrecipe.rundir import STAGES

ON_DEVICES = tuple(stage for stage in STAGES if stage not in ("prepare", "report"))


def check(run: RunConfig, stages: Collection[str], exports: Collection[str] | None = None) -> None:
    """Raise ConfigError with all that is missing here for `stages` of a run.

    exports: the targets that its export stage would make; None for all of them.
    """
    if faults := list(lacks(run, stages, exports)):
        raise ConfigError(faults)


def lacks(
    run: RunConfig, stages: Collection[str], exports: Collection[str] | None = None
) -> Iterator[str]:
    """Yield what is missing here for `stages` of a run, and for these `exports` or all of them."""
    if set(stages) & set(ON_DEVICES):
        yield from device_faults(run.hardware)
    if "train" in stages and run.tracking.insists() and (why := run.tracking.fault()):
        yield f"tracking: {why}"
    if "export" in stages:
        for name in run.export if exports is None else exports:
            yield from export_faults(name, run.export[name])


def export_faults(name: str, target: Export) -> Iterator[str]:
    """Yield which package a target needs that is not installed, and what else it lacks here."""
    if target.package is not None and importlib.util.find_spec(target.package) is None:
        yield (
            f"export={name} needs {target.package}, which is not installed here; "
            "pip install 'ftrecipe[export]'"
        )
    else:  # which may look with that package
        yield from (f"export={name}: {fault}" for fault in target.lacks())


def device_faults(hardware: Hardware) -> Iterator[str]:
    """Yield what a profile of GPUs asks for and this machine has not, as its driver says.

    Where GPUs are that no NVIDIA driver lists, it is left to torch to say.
    """
    if hardware.device is not Device.cuda:
        return
    wanted, there = hardware.processes or 1, len(devices.gpus())
    if there >= wanted or (there == 0 and devices.others()):
        return
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    seen = many(there, "GPU") if there else "no NVIDIA GPU"
    seen += f" (CUDA_VISIBLE_DEVICES={hidden})" if hidden is not None else ""
    other = f"hardware.processes={there}" if there else "hardware=cpu"
    yield (
        f"hardware: this profile needs {many(wanted, 'GPU')}, and this machine "
        f"shows {seen}; use {other}, or run it where they are "
        "(plan --write makes a folder with a plan.sh)"
    )
