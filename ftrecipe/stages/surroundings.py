"""What has to be settled before libraries are imported: their environment, and what is left out."""

import ctypes
import os
import sys

from ftrecipe.amounts import GIB
from ftrecipe.components.hardware import Device
from ftrecipe.config import RunConfig
from ftrecipe.memory.activations import MAPPED_FROM
from ftrecipe.needs import needs

MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h
LARGE = 1.25 * GIB  # of a process: below, what malloc keeps does not matter
ENVIRONMENT = {
    "TOKENIZERS_PARALLELISM": "true",
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # as the driver counts, and a plan that asked it
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    # Idle threads sleep: spinning ones slow a small model many times over on a shared machine.
    "OMP_WAIT_POLICY": "PASSIVE",
}


def settle(run: RunConfig) -> None:
    """Set what libraries read from the environment, and spare imports that nothing will use.

    peft and transformers import bitsandbytes and wandb wherever they are installed, which costs a
    second and a half; a module that is None in sys.modules counts as not installed.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    wanted = {run.quantization.package, run.tracking.package, run.trainer.package}
    for package in {"bitsandbytes", "wandb"} - wanted:
        if package not in sys.modules:
            sys.modules[package] = None  # type: ignore[assignment]
    if run.hardware.device is not Device.cuda and sys.platform == "linux":
        needed = needs(run)
        if needed is not None and needed.account.peak > LARGE:
            give_back_at_once()


def give_back_at_once() -> None:
    """Have glibc map every large tensor by itself, and so give it back when it is freed.

    Otherwise it keeps freed tensors and cannot use them again, since torch wants them aligned: a
    run of 135M weights with checkpointing took 2.9 GB where it needed 1.9. Costs about a tenth of
    the time of a training of that size, and nothing with larger tensors, which are mapped anyway.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(MMAP_THRESHOLD, MAPPED_FROM)


def give_back() -> None:
    """Have glibc give back what it keeps of freed memory."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
