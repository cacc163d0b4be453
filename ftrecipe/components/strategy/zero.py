"""DeepSpeed ZeRO: optimizer, gradients and weights are divided among the devices, by stage."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ftrecipe.components.strategy import GROUP, Layout, Strategy, torchrun
from ftrecipe.registry import bounded

FILE = "deepspeed.json"
RESERVED = ("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps",
            "gradient_clipping", "bf16", "fp16", "optimizer", "scheduler")  # fmt: skip


@dataclass
class Zero(Strategy):
    """Base of the stages; `deepspeed` is laid over the JSON that is assembled, key by key."""

    distributed: ClassVar[bool] = True
    distributed_type: ClassVar[str] = "DEEPSPEED"
    trains_in_half: ClassVar[bool] = True
    reads: ClassVar[str | None] = FILE
    package: ClassVar[str | None] = "deepspeed"
    passes_to: ClassVar[str] = "deepspeed"
    bucket_size: int | None = bounded(None, 1)
    deepspeed: dict[str, Any] = field(default_factory=dict)

    def start(self, layout: Layout, folder: Path, rank: str) -> list[str]:
        """Return torchrun; DeepSpeed starts inside the workers."""
        return torchrun(layout, rank)

    def faults(self) -> Iterator[str]:
        """Refuse what the trainer decides: two answers to one question."""
        for name in self.deepspeed:
            if name in RESERVED:
                yield (
                    f"strategy.deepspeed.{name}: follows from trainer and hardware, which have "
                    "fields for it; leave it out"
                )
        zero = self.deepspeed.get("zero_optimization")
        if isinstance(zero, dict) and zero.get("stage", self.zero_stage) != self.zero_stage:
            yield (
                f"strategy.deepspeed.zero_optimization.stage={zero['stage']}: the stage is the "
                f"strategy; use strategy=zero{zero['stage']}"
            )

    def files(self, layout: Layout) -> dict[str, str]:
        """Return deepspeed.json."""
        whole = {
            "train_micro_batch_size_per_gpu": layout.per_device_train_batch_size,
            "gradient_accumulation_steps": layout.gradient_accumulation_steps,
            "gradient_clipping": layout.max_grad_norm,
            "bf16": {"enabled": layout.precision == "bf16"},
            "fp16": {"enabled": layout.precision == "fp16", "initial_scale_power": 16},
            "zero_optimization": {"stage": self.zero_stage} | self.zero(layout),
            "zero_allow_untested_optimizer": True,
            "zero_force_ds_cpu_optimizer": False,
            "steps_per_print": 1_000_000_000,
            "wall_clock_breakdown": False,
        }
        return {FILE: json.dumps(laid_over(whole, self.deepspeed), indent=2) + "\n"}

    def bucket(self, on_gpu: bool) -> int:
        """Return how many numbers are sent together."""
        return self.bucket_size or (200_000_000 if on_gpu else 5_000_000)

    def sends(self, on_gpu: bool) -> float:
        """Return the bytes of the buckets, of 16 bits; on a GPU one fills while one is sent."""
        return 2.0 * self.bucket(on_gpu) * (2 if on_gpu else 1)

    def zero(self, layout: Layout) -> dict[str, Any]:
        """Return what `zero_optimization` holds: numbers are of elements."""
        bucket = self.bucket(layout.on_gpu)
        return {
            "overlap_comm": layout.on_gpu,
            "contiguous_gradients": True,
            "reduce_bucket_size": bucket,
            "allgather_bucket_size": bucket,
        }


@GROUP.option("zero1")
@dataclass
class Zero1(Zero):
    """The optimizer's state is divided."""

    zero_stage: ClassVar[int] = 1


@GROUP.option("zero2")
@dataclass
class Zero2(Zero):
    """Optimizer and gradients are divided."""

    zero_stage: ClassVar[int] = 2


@GROUP.option("zero3")
@dataclass
class Zero3(Zero):
    """Optimizer, gradients and weights are divided; a layer is gathered while it computes."""

    zero_stage: ClassVar[int] = 3
    shards_weights: ClassVar[bool] = True
    prefetch_bucket_size: int = bounded(50_000_000, 0)
    param_persistence_threshold: int = bounded(100_000, 0)
    max_live_parameters: int = bounded(1_000_000_000, 0)

    def zero(self, layout: Layout) -> dict[str, Any]:
        """Return the third stage's own keys too."""
        return super().zero(layout) | {
            "stage3_prefetch_bucket_size": self.prefetch_bucket_size,
            "stage3_param_persistence_threshold": self.param_persistence_threshold,
            "stage3_max_live_parameters": self.max_live_parameters,
            "stage3_max_reuse_distance": self.max_live_parameters,
            "stage3_gather_16bit_weights_on_model_save": True,
        }


@GROUP.option("zero3_offload")
@dataclass
class Zero3Offload(Zero3):
    """Like the third stage, with optimizer and weights in the machine's memory until needed."""

    offloads: ClassVar[bool] = True

    def zero(self, layout: Layout) -> dict[str, Any]:
        """Return the keys with both offloads."""
        waiting = {"device": "cpu", "pin_memory": True}
        return super().zero(layout) | {"offload_optimizer": waiting, "offload_param": waiting}


def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return `below` with the values of `above`, mappings key by key."""
    whole = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(whole.get(key), dict)
        whole[key] = laid_over(whole[key], value) if both else value
    return whole
