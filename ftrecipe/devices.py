"""Which NVIDIA GPUs and cores this machine has, asked of its drivers: torch is not needed."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

QUERY = ["nvidia-smi", "--query-gpu=index,uuid,name,memory.total,compute_cap",
         "--format=csv,noheader,nounits"]  # fmt: skip
SECONDS = 20  # a driver that is only now loaded takes some


@dataclass(frozen=True)
class Gpu:
    """One GPU: memory in GiB, None where GPU and machine share it."""

    index: str
    uuid: str
    name: str
    memory_gb: float | None
    capability: tuple[int, int]


def gpus() -> list[Gpu]:
    """Return the GPUs that a process started here would see, in its order.

    Empty where there is no NVIDIA driver. Source: `nvidia-smi`, narrowed by CUDA_VISIBLE_DEVICES.
    """
    try:
        asked = subprocess.run(QUERY, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return []
    if asked.returncode != 0:
        return []
    there = [read(line) for line in asked.stdout.splitlines() if line.strip()]
    return narrow(there, os.environ.get("CUDA_VISIBLE_DEVICES"))


def others() -> bool:
    """Tell a machine with devices for GPUs of which `nvidia-smi` says nothing: AMD's, or shared."""
    marks = ("/dev/kfd", "/dev/dxg", "/dev/nvidiactl", "/dev/nvhost-gpu")
    return any(os.path.exists(mark) for mark in marks)


def visible() -> list[str]:
    """Return the ids of the GPUs that a process started here would see, as CUDA takes them.

    They are the GPUs' own (`GPU-…`), since CUDA and the driver number them in orders of their own;
    words of CUDA_VISIBLE_DEVICES that the driver does not know, parts of a GPU, stay as they are.
    """
    found = gpus()
    asked = os.environ.get("CUDA_VISIBLE_DEVICES")
    if found or asked is None:
        return [gpu.uuid for gpu in found]
    words = [word.strip() for word in asked.split(",")]
    return [word for word in words if word and not word.startswith("-")]


def cores() -> int:
    """Return the CPU cores that a process started here may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def threads() -> int:
    """Return how many threads a program started here is to compute with: as said, or one a core."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) else cores()


def free_memory() -> float | None:
    """Return the GiB of memory that a process started here could take, None where that is not told.

    Source: the kernel's MemAvailable, and what the process's own group (a container) is allowed.
    """
    told = Path("/proc/meminfo")
    if not told.is_file():
        return None
    rows = dict(line.split(":", 1) for line in told.read_text("utf-8").splitlines())
    free = int(rows["MemAvailable"].split()[0]) * 1024
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.is_file() and used.is_file() and limit.read_text("utf-8").strip().isdecimal():
        free = min(free, int(limit.read_text("utf-8")) - int(used.read_text("utf-8")))
    return free / (1 << 30)


def read(line: str) -> Gpu:
    """Read one line of `nvidia-smi`."""
    index, uuid, name, memory, capability = (part.strip() for part in line.split(","))
    major, _, minor = capability.partition(".")
    size = round(int(memory) / 1024, 1) if memory.isdecimal() else None
    return Gpu(index, uuid, name, size, (int(major), int(minor)))


def narrow(there: list[Gpu], visible: str | None) -> list[Gpu]:
    """Return those of `there` that CUDA_VISIBLE_DEVICES lets through; as CUDA does, up to the
    first one that there is not."""
    if visible is None:
        return there
    chosen: list[Gpu] = []
    for word in (part.strip() for part in visible.split(",")):
        known = [gpu for gpu in there if word and (gpu.index == word or gpu.uuid.startswith(word))]
        if not known:
            break
        chosen.append(known[0])
    return chosen
