"""What the machine is: device, memory and precision; it is looked at where the run happens."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from ftrecipe.errors import StageError
from ftrecipe.registry import Group, bounded


class Device(Enum):
    """Kind of device; `auto` takes a GPU where there is one."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(Enum):
    """What is computed in; `auto` takes bf16 where the device is good at it."""

    auto = "auto"
    bf16 = "bf16"
    fp16 = "fp16"
    fp32 = "fp32"


DTYPES = {Precision.bf16: "bfloat16", Precision.fp16: "float16", Precision.fp32: "float32"}


@dataclass
class Found:
    """What is there: the device's name for people, its kind, and the precision to use."""

    device: Device
    name: str
    precision: Precision

    @property
    def dtype(self) -> str:
        """Return torch's name of the precision."""
        return DTYPES[self.precision]


@dataclass
class Hardware:
    """A profile: one device of a kind, with so much memory (GiB, None if unknown)."""

    processes: ClassVar[int] = 1
    device: Device = Device.auto
    memory_gb: float | None = bounded(None, 1)
    precision: Precision = Precision.auto

    def find(self) -> Found:
        """Look at this machine. Raises StageError where it is not what the profile says."""
        import torch

        has_cuda = torch.cuda.is_available()
        if self.device is Device.cuda and not has_cuda:
            raise StageError(
                "this profile needs a CUDA GPU and torch sees none here; "
                "use hardware=cpu, or run it on a machine with a GPU"
            )
        if self.device is Device.cpu or not has_cuda:
            return Found(Device.cpu, "CPU", self._precision(cpu_is_good_at_bf16()))
        name = torch.cuda.get_device_name()
        good = torch.cuda.get_device_capability() >= (8, 0)
        return Found(Device.cuda, name, self._precision(good, Precision.fp16))

    def _precision(self, good_at_bf16: bool, otherwise: Precision = Precision.fp32) -> Precision:
        if self.precision is not Precision.auto:
            return self.precision
        return Precision.bf16 if good_at_bf16 else otherwise


GROUP = Group("hardware", Hardware)
GROUP.option("machine")(Hardware)


def cpu_is_good_at_bf16() -> bool:
    """Tell whether this CPU multiplies bf16 matrices in hardware (AMX)."""
    facts = Path("/proc/cpuinfo")
    return facts.is_file() and "amx_bf16" in facts.read_text(encoding="utf-8", errors="replace")
