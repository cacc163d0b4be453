"""What the machine is: devices, memory and precision; it is looked at where the run happens."""

import os
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from ftrecipe import devices
from ftrecipe.errors import StageError
from ftrecipe.registry import Group, bounded, only_with


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
    """A profile: so many machines, each with so many devices of a kind, each with so much memory.

    `processes` is how many a machine runs, one a device (None: as many GPUs as are seen where the
    run happens); `memory_gb` is GiB a device, None if unknown. The first machine is reached by the
    others at `main_process_ip` and `main_process_port`.
    """

    device: Device = Device.auto
    processes: int | None = bounded(None, 1)
    num_machines: int = bounded(1, 1)
    memory_gb: float | None = bounded(None, 1)
    precision: Precision = Precision.auto
    main_process_ip: str | None = only_with("is_several", None, "hardware.num_machines above 1")
    main_process_port: int = bounded(29500, 1, 65535)

    @property
    def is_several(self) -> bool:
        """Tell whether other machines have to find the first one."""
        return self.num_machines > 1

    @property
    def is_looked_for(self) -> bool:
        """Tell a profile that only the machine itself can fill in."""
        return self.device is Device.auto

    def settled(self) -> tuple["Hardware", str | None]:
        """Return the profile with devices and precision decided, and what was found where this
        machine had to be looked at.

        Without an NVIDIA GPU, one process is left to what torch will find.
        """
        if not self.is_looked_for:
            return replace(self, processes=self.processes or 1, precision=self._stated()), None
        gpus = devices.gpus()
        if gpus:
            return self._of(gpus)
        if (self.processes or 1) == 1:
            return replace(self, processes=1), "no NVIDIA GPU was found: one process"
        cpu = replace(self, device=Device.cpu)
        return cpu.settled()[0], f"no NVIDIA GPU was found: {self.processes} processes on the CPU"

    def _stated(self) -> Precision:
        """Return the precision of a profile that says its device."""
        if self.device is Device.cuda:  # what cannot be seen from here is taken to be recent
            modern = all(gpu.capability >= (8, 0) for gpu in devices.gpus())
            return self._precision(modern, Precision.fp16)
        return self._precision(cpu_is_good_at_bf16())

    def _of(self, gpus: list[devices.Gpu]) -> tuple["Hardware", str]:
        """Return the profile of these GPUs, each taken to be like the smallest."""
        smallest = min((gpu.memory_gb for gpu in gpus if gpu.memory_gb), default=None)
        modern = all(gpu.capability >= (8, 0) for gpu in gpus)
        settled = replace(
            self,
            device=Device.cuda,
            processes=self.processes or len(gpus),
            precision=self._precision(modern, Precision.fp16),
            memory_gb=self.memory_gb or smallest,
        )
        names = " and ".join(sorted({gpu.name for gpu in gpus}))
        size = "unknown memory" if smallest is None else f"{smallest:g} GiB"
        return settled, f"{len(gpus)} x {names}, {size}, {settled.precision.value}"

    def find(self) -> Found:
        """Look at this machine and take this process's device.

        Raises StageError where the machine is not what the profile says.
        """
        import torch

        has_cuda = torch.cuda.is_available()
        if self.device is Device.cuda and not has_cuda:
            raise StageError(
                "this profile needs a CUDA GPU and torch sees none here; "
                "use hardware=cpu, or run it on a machine with a GPU"
            )
        if self.device is Device.cpu or not has_cuda:
            return Found(Device.cpu, "CPU", self._precision(cpu_is_good_at_bf16()))
        local = int(os.environ.get("LOCAL_RANK", "0"))
        there = torch.cuda.device_count()
        if there < (self.processes or 1):
            raise StageError(
                f"this profile has {self.processes} GPUs and torch sees {there} here; "
                f"use a profile with {there}, for instance hardware.processes={there}"
            )
        torch.cuda.set_device(local)
        name = torch.cuda.get_device_name(local)
        good = torch.cuda.get_device_capability(local) >= (8, 0)
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
