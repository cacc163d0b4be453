"""What has to be settled before libraries are imported: their environment, and what is left out."""

import os
import sys

from ftrecipe.config import RunConfig

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
