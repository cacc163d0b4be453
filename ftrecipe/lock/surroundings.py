"""What a run happens in: versions of packages, the machine, the commit of the working folder."""

import hashlib
import os
import platform
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

from ftrecipe import devices

# What reads and cleans the data, what trains and measures, and what composes.
PACKAGES = (
    "ftrecipe", "torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers",
    "safetensors", "numpy", "bitsandbytes", "deepspeed", "triton", "flash-attn", "xformers",
    "liger-kernel", "kernels", "huggingface-hub", "jinja2", "pyarrow", "hydra-core", "omegaconf",
    "charset-normalizer", "ftfy", "json-repair", "phonenumbers", "python-stdnum", "py3langid",
    "rensa", "selectolax", "zstandard", "sacrebleu", "rouge-score", "lm-eval",
)  # fmt: skip
# Variables that libraries compute by, threads apart, which are asked of torch; none is a secret.
VARIABLES = (
    "MKL_NUM_THREADS", "MKL_CBWR", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA",
    "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "NCCL_ALGO", "NCCL_PROTO", "PYTHONHASHSEED",
)  # fmt: skip
DRIVER = Path("/proc/driver/nvidia/version")
PATIENCE = 5.0  # seconds that git may take
ROOT = Path(__file__).resolve().parents[1]


def versions() -> dict[str, str]:
    """Return the version of each package that matters and is installed; nothing is imported.

    Packages that add options or metrics of their own are among them.
    """
    groups = ("ftrecipe.components", "ftrecipe.metrics")
    points = [point for group in groups for point in entry_points(group=group)]
    added = {point.dist.name for point in points if point.dist}
    found: dict[str, str] = {}
    for name in (*PACKAGES, *sorted(added)):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Return what can be known of this machine without torch."""
    return {
        "python": platform.python_version(),
        "os": platform.platform(),
        "cpu": cpu(),
        "cores": devices.cores(),
        "gpus": [gpu.name for gpu in devices.gpus()],
        "driver": driver(),
    }


def cpu() -> str:
    """Return the processor's name: results in floating point depend on it."""
    if sys.platform == "linux":
        text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
        named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        model = re.search(r"^model\s*:\s*(\d+)$", text, re.MULTILINE)
        if named:
            return named[1] + (f" (model {model[1]})" if model else "")
    return platform.processor() or platform.machine()


def driver() -> str | None:
    """Return the version of the NVIDIA driver, None where there is none."""
    if not DRIVER.is_file():
        return None
    found = re.search(r"\b\d+\.\d+(?:\.\d+)?\b", DRIVER.read_text("utf-8", errors="replace"))
    return found[0] if found else None


def variables() -> dict[str, str]:
    """Return the environment variables that are set and change how is computed."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}


def code(folder: Path) -> dict[str, Any]:
    """Return the commit of `folder`, whether its files differ from it, and ftrecipe's own source.

    The commit is None outside of git, and where git does not answer.
    """
    commit, dirty = commit_of(folder)
    return {"commit": commit, "dirty": dirty, "ftrecipe_sha256": own_source()}


def commit_of(folder: Path) -> tuple[str | None, bool | None]:
    """Return the commit checked out in `folder`, and whether tracked files differ from it.

    No program that the folder's own git settings name is started.
    """
    words = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "status",
             "--porcelain=v2", "--branch", "--untracked-files=no"]  # fmt: skip
    quiet = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        asked = subprocess.run(
            words, cwd=folder, env=quiet, capture_output=True, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, None
    lines = asked.stdout.splitlines()
    oid = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), None)
    if asked.returncode or oid is None or oid == "(initial)":
        return None, None
    return oid, any(not line.startswith("#") for line in lines)


@cache
def own_source() -> str:
    """Hash of ftrecipe's Python files: a checkout changes without its version changing."""
    digest = hashlib.sha256()
    for file in sorted(ROOT.rglob("*.py")):
        digest.update(f"{file.relative_to(ROOT).as_posix()}\n".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
