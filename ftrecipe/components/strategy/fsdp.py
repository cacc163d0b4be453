"""Fully sharded data parallel, version 2, as accelerate sets it up."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from ftrecipe.components.strategy import GROUP, Layout, Strategy

FILE = "accelerate.yaml"
FULL = "FULL_STATE_DICT"
FSDP_ON_CPU = "FTRECIPE_TEST_FSDP_ON_CPU"
"""Set in tests: lets FSDP run on CPUs, where accelerate would train plain DDP and say nothing."""


@GROUP.option("fsdp")
@dataclass
class Fsdp(Strategy):
    """FSDP2: weights, gradients and optimizer are divided; the full state is what is saved."""

    distributed: ClassVar[bool] = True
    distributed_type: ClassVar[str] = "FSDP"
    shards_weights: ClassVar[bool] = True
    passes_to: ClassVar[str] = "fsdp"
    fsdp: dict[str, Any] = field(default_factory=dict)

    def faults(self) -> Iterator[str]:
        """Refuse another version: its keys, checkpoints and saving are not those of this one."""
        if self.fsdp.get("fsdp_version", 2) != 2:
            yield f"strategy.fsdp.fsdp_version={self.fsdp['fsdp_version']}: only 2 is supported"
        if self.fsdp.get("fsdp_state_dict_type", FULL) != FULL:
            yield f"strategy.fsdp.fsdp_state_dict_type: only {FULL} saves a whole model"

    def start(self, layout: Layout, folder: Path, rank: str) -> list[str]:
        """Return accelerate's launcher, which reads this run's file and no other."""
        machine = [f"--machine_rank={rank}"] if layout.num_machines > 1 else []
        return ["-m", "accelerate.commands.launch", f"--config_file={folder / FILE}", *machine,
                "--module"]  # fmt: skip

    def files(self, layout: Layout) -> dict[str, str]:
        """Return accelerate.yaml; port 0 is any free one."""
        one = layout.num_machines == 1
        whole = {
            "compute_environment": "LOCAL_MACHINE",
            "distributed_type": "FSDP",
            "num_machines": layout.num_machines,
            "machine_rank": 0,
            "num_processes": layout.world_size,
            "main_process_ip": None if one else layout.main_process_ip,
            "main_process_port": 0 if one else layout.main_process_port,
            "rdzv_backend": "static",
            "same_network": True,
            "mixed_precision": {"fp32": "no"}.get(layout.precision, layout.precision),
            "use_cpu": False,
            "fsdp_config": {
                "fsdp_version": 2,
                "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
                "fsdp_reshard_after_forward": True,
                "fsdp_state_dict_type": FULL,
                "fsdp_cpu_ram_efficient_loading": True,
                "fsdp_offload_params": False,
                "fsdp_activation_checkpointing": False,
            }
            | self.fsdp,
        }
        return {FILE: yaml.safe_dump(whole, sort_keys=False)}
