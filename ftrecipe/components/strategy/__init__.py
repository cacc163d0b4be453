"""How the machine is used: by how many processes, what starts them, how they share the model."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ftrecipe.registry import Group

TORCHRUN = ["-m", "torch.distributed.run"]


@dataclass(frozen=True)
class Layout:
    """What a strategy's files are made from: the machines, and the batch that they share."""

    processes: int  # a machine
    num_machines: int
    main_process_ip: str | None
    main_process_port: int
    on_gpu: bool
    precision: str  # bf16, fp16 or fp32
    per_device_train_batch_size: int
    gradient_accumulation_steps: int
    max_grad_norm: float

    @property
    def world_size(self) -> int:
        """The processes of all machines."""
        return self.processes * self.num_machines


@dataclass
class Strategy:
    """Base of all strategies; rules, plan and stages read its facts, never an option's name."""

    distributed: ClassVar[bool] = False  # a launcher starts several processes that form a group
    distributed_type: ClassVar[str] = "NO"  # what accelerate must have made of them
    zero_stage: ClassVar[int] = 0
    shards_weights: ClassVar[bool] = False  # a device holds only its part of the weights
    offloads: ClassVar[bool] = False  # optimizer and weights wait in the machine's memory
    trains_in_half: ClassVar[bool] = False  # weights of 16 bits, with masters of 32
    copies_gradients: ClassVar[bool] = False  # to send them, beside the weights' own
    reads: ClassVar[str | None] = None  # the file that the worker gives to its trainer
    package: ClassVar[str | None] = None  # what has to be installed for it
    passes_to: ClassVar[str] = ""  # the library's table of names behind its sub-node
    names: ClassVar[tuple[str, ...]] = ()  # strategies that `auto` tries in order

    def files(self, layout: Layout) -> dict[str, str]:
        """Return the files that its command or its library reads: name → text."""
        return {}

    def sends(self, on_gpu: bool) -> float:
        """Return the bytes of the buffers that a device sends gradients and weights from."""
        return 0.0

    def start(self, layout: Layout, folder: Path, rank: str) -> list[str]:
        """Return the words between python and the worker's module on machine `rank`."""
        return []

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with its own values."""
        yield from ()


GROUP = Group("strategy", Strategy)


def torchrun(layout: Layout, rank: str) -> list[str]:
    """Return torch.distributed.run with its arguments; one machine takes any free port."""
    where = (
        ["--standalone"]
        if layout.num_machines == 1
        else [
            f"--node_rank={rank}",
            f"--master_addr={layout.main_process_ip}",
            f"--master_port={layout.main_process_port}",
        ]
    )
    return [
        *TORCHRUN,
        f"--nnodes={layout.num_machines}",
        *where,
        f"--nproc_per_node={layout.processes}",
        "--module",
    ]
